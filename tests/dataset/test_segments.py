"""Features on disk, normalisation, sampling, segments, augmentation, and parts of a fold."""

import hashlib
import os

import numpy as np
import pandas as pd
import pytest

from tests import mel_oracle
from tests.conftest import feature_files, relative_error
from tests.papers import PAPERS, compress
from workflow_scripts import checked_tables
from workflow_scripts.dataset import augmentation, sampling, shards, split
from workflow_scripts.dataset.augmentation import Augmentation, Augmented
from workflow_scripts.dataset.features import Content, Features, write_shard
from workflow_scripts.dataset.normalisation import Scaler, Sums, fit
from workflow_scripts.dataset.parts import Fold
from workflow_scripts.dataset.segments import Segments
from workflow_scripts.errors import UserError


def features_of(shards, digests):
    """The features of the contents with these digests, from .npy shards."""
    return feature_files(shards).of(digests)


# Hz.
NYQUIST = 22050


def energies(*lengths):
    """Random energies (frames, 40) of contents named a, b, ..., with these numbers of frames."""
    rng = np.random.default_rng(0)
    return {
        name: rng.random((n, 40), dtype=np.float32)
        for name, n in zip("abcdefgh", lengths, strict=False)
    }


def shard(path, contents):
    write_shard(path, [Content(digest, bands) for digest, bands in contents.items()], PAPERS)
    return path


def write_onsets(path, **frames):
    """Write a table of the onsets of contents; return its path."""
    table = pd.DataFrame({"digest": [*frames], "frames": [*frames.values()]})
    checked_tables.write(path, table, shards.what("frames"))
    return path


class TestFeatures:
    def test_energies_are_read_as_written(self, tmp_path):
        bands = energies(7, 90, 12)
        first = shard(tmp_path / "shard-0.npy", {"a": bands["a"], "b": bands["b"]})
        second = shard(tmp_path / "shard-1.npy", {"c": bands["c"]})
        empty = shard(tmp_path / "shard-2.npy", {})
        features = features_of([first, empty, second], ["c", "a", "b", "a"])
        assert features.n_frames.tolist() == [12, 7, 90, 7]
        for content, digest in enumerate("caba"):
            read = np.empty_like(bands[digest])
            features.read(content, 0, len(read), read)
            assert np.array_equal(read, bands[digest])
        assert not list(tmp_path.glob(".*"))

    def test_a_shard_is_a_standard_npy_of_all_frames(self, tmp_path):
        bands = energies(7, 90)
        path = shard(tmp_path / "s.npy", bands)
        assert np.array_equal(np.load(path), np.concatenate([bands["a"], bands["b"]]))
        assert np.load(shard(tmp_path / "none.npy", {})).shape == (0, 40)

    def test_the_index_has_positions_sums_checksums_and_problems(self, tmp_path):
        bands = energies(7, 90)
        contents = [Content("a", bands["a"]), Content("b", bands["b"], "is truncated")]
        write_shard(tmp_path / "s.npy", contents, PAPERS)
        index = pd.read_csv(tmp_path / "s.csv", keep_default_na=False)
        assert index[["digest", "first_frame", "n_frames", "problem"]].to_numpy().tolist() == [
            ["a", 0, 7, ""],
            ["b", 7, 90, "is truncated"],
        ]
        compressed = np.log(1 + 10_000 * bands["b"].astype(np.float64))
        assert index["total"][1] == pytest.approx(compressed.sum(), rel=1e-12)
        assert index["squares"][1] == pytest.approx((compressed**2).sum(), rel=1e-12)
        sha = hashlib.sha256(bands["b"].tobytes()).hexdigest()
        assert index["checksum"][1] == sha[:16]

    def test_no_file_remains_if_writing_a_shard_fails(self, tmp_path):
        def failing():
            yield Content("a", np.ones((3, 40), np.float32))
            raise UserError("broken")

        with pytest.raises(UserError):
            write_shard(tmp_path / "shard-0.npy", failing(), PAPERS)
        assert not list(tmp_path.iterdir())

    def test_an_unknown_digest_is_rejected(self, tmp_path):
        path = shard(tmp_path / "s.npy", energies(7))
        with pytest.raises(UserError, match=r"s\.csv lacks the audio content c0ffee: it, or"):
            features_of([path], ["a", "c0ffee"])


class TestNormalisation:
    def test_the_scaler_is_the_mean_and_deviation_of_all_values(self):
        parts = energies(100, 30)
        sums = [Sums.of(part, 10_000) for part in parts.values()]
        total = np.sum([[s.count, s.total, s.squares] for s in sums], axis=0)
        scaler = fit(Sums(*total))
        compressed = np.log(1 + 10_000 * np.concatenate(list(parts.values())).astype(np.float64))
        assert scaler.mean == pytest.approx(compressed.mean(), rel=1e-9)
        assert scaler.std == pytest.approx(compressed.std(), rel=1e-9)


class TestSampling:
    def test_contiguous_segments_and_a_dropped_remainder(self):
        content, first = sampling.regular(np.array([1293, 79, 80]), 80, 80)
        assert content.tolist() == [0] * 16 + [2]
        assert first.tolist() == [80 * i for i in range(16)] + [0]
        assert len(sampling.regular(np.array([1293]), 250, 250)[0]) == 5

    def test_overlapping_segments_start_every_hop_and_end_within_the_track(self):
        content, first = sampling.regular(np.array([100, 85]), 80, 10)
        assert content.tolist() == [0, 0, 0, 1]
        assert first.tolist() == [0, 10, 20, 0]

    @pytest.mark.parametrize(("n_frames", "hop"), [(80, 80), (80, 7), (250, 20), (1, 1)])
    def test_every_segment_that_fits_is_used(self, n_frames, hop):
        lengths = np.array([1293, n_frames - 1, 500, n_frames, 251])
        pairs = list(zip(*sampling.regular(lengths, n_frames, hop), strict=True))
        assert pairs == [
            (content, first)
            for content, length in enumerate(lengths)
            for first in range(0, length - n_frames + 1, hop)
        ]

    def test_segments_start_at_onsets_where_they_fit(self):
        onsets = [np.array([3, 3, 20, 21]), np.array([50]), np.array([], int), np.array([0])]
        content, first = sampling.at_onsets(np.array([100, 100, 90, 79]), 80, onsets)
        assert content.tolist() == [0, 0, 1, 2]
        assert first.tolist() == [3, 20, 0, 0], "a track without a usable onset starts at 0"

    def test_onsets_are_returned_in_the_order_of_the_digests(self, tmp_path):
        files = [
            write_onsets(tmp_path / "0.csv", a="1 5 80", b=""),
            write_onsets(tmp_path / "1.csv", c="7"),
        ]
        read = sampling.read_onsets(files, np.array([*"cba"]))
        assert [frames.tolist() for frames in read] == [[7], [], [1, 5, 80]]


@pytest.fixture
def segments(tmp_path):
    """Contiguous segments of three contents with 200, 85 and 500 frames."""
    features = features_of([shard(tmp_path / "s.npy", energies(200, 85, 500))], [*"abc"])
    content, first = sampling.regular(features.n_frames, 80, 80)
    return Segments(features, content, first, 80, Scaler(2.0, 3.0))


class TestSegments:
    def test_segments_are_compressed_and_normalised(self, segments):
        values = segments[:]
        assert values.dtype == np.float32 and values.shape == segments.shape == (9, 40, 80)
        assert segments.content.tolist() == [0, 0, 1, 2, 2, 2, 2, 2, 2]
        raw = energies(200, 85, 500)["a"][80:160].astype(np.float64)
        expected = (np.log(1 + 10_000 * raw) - 2) / 3
        assert np.allclose(values[1], expected.T, rtol=1e-5, atol=1e-6)

    def test_segments_on_demand_equal_those_in_memory_bit_for_bit(self, segments):
        held = segments.held(limit_bytes=1e9)
        assert isinstance(held, np.ndarray)
        rows = np.array([8, 0, 3, 3])
        assert np.array_equal(segments[rows], held[rows])
        assert np.array_equal(segments[2:5], held[2:5])
        assert all(np.array_equal(segments[i : i + 1][0], held[i]) for i in range(9))

    def test_segments_beyond_the_memory_limit_stay_on_disk(self, segments):
        n_bytes = 9 * 40 * 80 * 4
        assert isinstance(segments.held(n_bytes), np.ndarray)
        assert segments.held(n_bytes - 1) is segments

    def test_more_shards_than_may_be_open_at_once(self, tmp_path, monkeypatch):
        monkeypatch.setattr("workflow_scripts.dataset.features.OPEN_SHARDS", 2)
        contents = energies(*[80] * 8)
        shards = [shard(tmp_path / f"{name}.npy", {name: b}) for name, b in contents.items()]
        features = features_of(shards, [*contents])
        segments = Segments(features, np.arange(8), np.zeros(8, int), 80, Scaler(0, 1))
        rows = np.array([0, 7, 3, 0, 5])
        expected = np.stack([contents["abcdefgh"[row]] for row in rows])
        assert np.array_equal(segments.energies(rows), expected)

    def test_a_truncated_shard_is_an_error(self, tmp_path):
        path = shard(tmp_path / "s.npy", energies(80))
        features = features_of([path], ["a"])
        os.truncate(path, path.stat().st_size - 4)
        with pytest.raises(UserError, match=r"s\.npy is damaged: its checksum differs from that"):
            features.read(0, 0, 80, np.empty((80, 40), np.float32))

    def test_the_digest_changes_with_the_values(self, segments, tmp_path):
        def changed(**fields):
            return Segments(**(vars(segments) | fields)).digest()

        contents = energies(200, 85, 500)
        contents["c"][499, 39] += 1e-3
        other = features_of([shard(tmp_path / "other.npy", contents)], [*"abc"])
        digests = [
            segments.digest(),
            changed(first=segments.first + 1),
            changed(scaler=Scaler(2.0, 3.1)),
            changed(n_frames=79),
            changed(features=other),
            segments.of(np.arange(8)).digest(),
        ]
        assert len(set(digests)) == len(digests)
        assert changed() == digests[0]


class TestPitchShift:
    def band_of(self, hertz):
        return int(mel_oracle.filters()[:, round(hertz * 2048 / 44100)].argmax())

    @pytest.mark.parametrize("semitones", [-7, -2, 2, 7])
    def test_a_tone_moves_to_the_band_of_its_new_frequency(self, semitones):
        time = np.arange(44100) / 44100
        tone = mel_oracle.mel_bands(np.sin(2 * np.pi * 2000 * time)).astype(np.float32)
        shifted = augmentation.pitch_shift(tone, semitones, PAPERS)
        expected = self.band_of(2000 * 2 ** (semitones / 12))
        assert abs(int(shifted.mean(axis=0).argmax()) - expected) <= 1
        assert int(tone.mean(axis=0).argmax()) == self.band_of(2000)

    def test_a_shift_of_zero_changes_nothing(self):
        bands = energies(9)["a"]
        assert relative_error(augmentation.pitch_shift(bands, 0.0, PAPERS), bands) < 1e-5

    @pytest.mark.parametrize("semitones", [-12, -0.3, 0.3, 12])
    def test_shape_type_and_sign_are_kept(self, semitones):
        bands = energies(9)["a"]
        shifted = augmentation.pitch_shift(bands, semitones, PAPERS)
        assert shifted.shape == bands.shape and shifted.dtype == np.float32
        assert (shifted >= 0).all() and shifted.max() <= bands.max()

    def test_frequencies_outside_the_bands_are_silent(self):
        shifted = augmentation.pitch_shift(np.ones((1, 40), np.float32), -12, PAPERS)
        assert shifted[0, -1] == 0 and shifted[0, 20] == pytest.approx(1)


class TestTimeStretch:
    @pytest.mark.parametrize("tempo", [0.8, 0.95, 1.0, 1.1, 1.25])
    def test_beats_are_faster_by_the_tempo(self, tempo):
        period, n_frames = 20, 80
        frames = np.zeros((augmentation.frames_to_stretch(n_frames, tempo), 40), np.float32)
        frames[::period] = 1
        stretched = augmentation.time_stretch(frames, n_frames, tempo)
        # A beat is a triangle two frames wide; this is the distance of each new frame from a peak.
        position = np.arange(n_frames) * tempo
        distance = np.abs(position - period * np.rint(position / period))
        assert stretched.shape == (80, 40) and stretched.dtype == np.float32
        assert np.allclose(stretched[:, 7], np.maximum(1 - distance, 0), atol=1e-5)

    def test_a_tempo_of_one_changes_nothing(self):
        bands = energies(80)["a"]
        assert np.array_equal(augmentation.time_stretch(bands, 80, 1.0), bands)

    def test_too_few_frames_are_rejected(self):
        with pytest.raises(ValueError, match=r"80 frames are too few for 80 at tempo 1\.1"):
            augmentation.time_stretch(energies(80)["a"], 80, 1.1)


def test_mixing_is_a_weighted_sum_of_energies():
    first, second = energies(5, 5).values()
    assert np.allclose(augmentation.mix(first, second, 0.25), 0.75 * first + 0.25 * second)


class TestAugmented:
    labels = np.array([0, 0, 0, 1, 1, 1, 1, 1, 1])

    def epoch(self, segments, seed=0, **settings):
        rng = np.random.default_rng(seed)
        return Augmented(segments, self.labels, Augmentation(**settings), rng)

    def test_disabled_augmentation_changes_nothing(self, segments):
        assert np.allclose(self.epoch(segments)[np.arange(9)], segments[:], atol=1e-6)
        assert not Augmentation().is_on

    @pytest.mark.parametrize("setting", ["pitch_shift", "time_stretch", "mixing"])
    def test_each_method_changes_segments_depending_on_the_seed(self, segments, setting):
        rows = np.arange(9)
        first, again, other = (
            self.epoch(segments, seed, **{setting: 0.5})[rows] for seed in (1, 1, 2)
        )
        assert Augmentation(**{setting: 0.5}).is_on
        assert first.shape == segments.shape and first.dtype == np.float32
        assert np.array_equal(first, again)
        assert not np.allclose(first, segments[:], atol=1e-3)
        assert not np.allclose(first, other, atol=1e-3)

    def test_a_segment_does_not_depend_on_its_batch(self, segments):
        epoch = self.epoch(segments, pitch_shift=1, time_stretch=0.1, mixing=0.5)
        assert np.array_equal(epoch[np.array([4, 7])], epoch[np.arange(9)][[4, 7]])

    def test_segments_are_mixed_with_their_own_class(self, tmp_path):
        """Class 0 has energy in band 3, class 1 in band 30; no mixture has energy in both."""
        contents = {name: np.zeros((400, 40), np.float32) for name in "ab"}
        contents["a"][:, 3] = contents["b"][:, 30] = 1
        features = features_of([shard(tmp_path / "s.npy", contents)], [*"ab"])
        content, first = sampling.regular(features.n_frames, 80, 80)
        segments = Segments(features, content, first, 80, Scaler(0, 1))
        settings, rng = Augmentation(mixing=1), np.random.default_rng(0)
        values = Augmented(segments, content, settings, rng)[np.arange(10)]
        assert (values[:5, 30] == 0).all() and (values[5:, 3] == 0).all()
        assert (values[:5, 3] > 0).all() and (values[5:, 30] > 0).all()

    def test_only_contents_of_training_segments_are_read(self, segments, monkeypatch):
        """The training segments are from two of three contents; the third is never read."""
        train = segments.of(np.arange(3))
        read, original = set(), Features.read

        def spy(self, content, first, n_frames, into):
            assert first >= 0 and first + n_frames <= self.n_frames[content]
            read.add(int(content))
            original(self, content, first, n_frames, into)

        monkeypatch.setattr(Features, "read", spy)
        settings = Augmentation(pitch_shift=2, time_stretch=0.5, mixing=1)
        for seed in range(20):
            rng = np.random.default_rng(seed)
            Augmented(train, np.zeros(3), settings, rng)[np.arange(3)]
        assert read == {0, 1}

    def test_the_stretch_of_a_track_of_one_segment_is_limited(self, tmp_path):
        features = features_of([shard(tmp_path / "s.npy", energies(80))], ["a"])
        segments = Segments(features, np.array([0]), np.array([0]), 80, Scaler(0, 1))
        for seed in range(10):
            rng = np.random.default_rng(seed)
            epoch = Augmented(segments, np.zeros(1), Augmentation(time_stretch=0.5), rng)
            values = epoch[np.array([0])]
            assert np.isfinite(values).all() and values.shape == (1, 40, 80)


def test_compression_is_that_of_the_paper():
    assert np.allclose(compress(np.array([0, 1e-4, 1.0])), np.log([1, 2, 10_001]))


class TestPartsOfAFold:
    @pytest.fixture
    def fold(self, tmp_path):
        """Fold 1 of three folds of two tracks each, all of 170 frames; fold 2 is for validation."""
        path = shard(tmp_path / "s.npy", energies(*[170] * 6))
        table = pd.DataFrame({"track_id": [*"abcdef"], "label": [*"xyxyxy"], "digest": [*"abcdef"]})
        tracks = split.Tracks.of(table, np.array([0, 0, 1, 1, 2, 2]))
        return Fold(tracks, 1, feature_files([path]), Scaler(0, 1), 80)

    def tracks_of(self, part):
        """The positions of the tracks of the segments."""
        return sorted(set(part.segments.features.index["first_frame"] // 170))

    def test_each_part_has_only_its_own_tracks(self, fold):
        parts = {name: fold.part(name) for name in ("train", "validation", "test", "rest")}
        assert {name: self.tracks_of(part) for name, part in parts.items()} == {
            "train": [0, 1],
            "validation": [4, 5],
            "test": [2, 3],
            "rest": [0, 1, 4, 5],
        }
        assert parts["train"].labels.tolist() == [0, 0, 1, 1]

    def test_segments_may_start_every_hop_or_at_onsets(self, fold, tmp_path):
        assert fold.part("train", hop=30).segments.first.tolist() == [0, 30, 60, 90] * 2
        onsets = write_onsets(tmp_path / "onsets.csv", b="5 33 99", a="7", c="1")
        part = fold.part("train", onsets=[onsets])
        assert part.segments.first.tolist() == [7, 5, 33]
        assert part.labels.tolist() == [0, 1, 1]

    def test_a_track_without_a_segment_is_a_user_error(self, fold):
        long = Fold(fold.tracks, 1, fold.feature_files, fold.scaler, 171)
        with pytest.raises(UserError, match=r"^a has no segment of 171 frames with sound; remove"):
            long.part("train")
