"""The level of tracks, its normalisation, and warnings for other levels."""

from dataclasses import asdict

import numpy as np
import pytest

from tests.conftest import feature_files
from tests.dataset.test_silence import fitted, track
from tests.papers import PAPERS, compress, in_silence, level_of
from workflow_scripts.dataset.augmentation import Augmentation, Augmented
from workflow_scripts.dataset.features import Content, FeatureFiles, write_shard
from workflow_scripts.dataset.level import AS_RECORDED, NORMALISED, TARGET, TrainingLevel, in_db
from workflow_scripts.dataset.normalisation import Scaler
from workflow_scripts.dataset.segments import Segments

NYQUIST = 22050


def measured(energies):
    return level_of(energies, in_silence(energies))


class TestLevel:
    def test_a_gain_changes_it_by_as_many_db(self):
        energies = track(300)
        for decibels in (-40, -6, 20):
            louder = measured(np.float32(10 ** (decibels / 10)) * energies)
            assert in_db(louder) - in_db(measured(energies)) == pytest.approx(decibels, abs=1e-4)

    def test_it_ignores_silence_and_an_offset(self):
        energies = track(300)
        offset = energies.copy()
        offset[:, 0] = 1000
        assert measured(offset) == measured(energies)
        gap = np.concatenate([energies, np.zeros((500, 40), np.float32)])
        assert measured(gap) == pytest.approx(measured(energies), rel=1e-12)

    def test_silence_has_no_level(self):
        assert measured(np.zeros((100, 40))) == 0


class TestNormalisedFeatures:
    def test_tracks_that_differ_in_gain_become_equal(self, tmp_path):
        energies = track(200, 100, 60)
        contents = [Content("a", energies), Content("b", np.float32(0.01) * energies)]
        write_shard(tmp_path / "s.npy", contents, PAPERS)
        recorded = feature_files([tmp_path / "s.npy"]).of(["a", "b"])
        assert np.array_equal(recorded.whole(0), energies)
        normalised = FeatureFiles([tmp_path / "s.npy"], [tmp_path / "s.csv"], PAPERS, NORMALISED)
        loud, quiet = (normalised.of(["a", "b"]).whole(content) for content in (0, 1))
        assert np.allclose(loud, quiet, rtol=1e-5, atol=0)
        assert measured(loud) == pytest.approx(TARGET, rel=1e-5)
        part = np.empty((10, 40), np.float32)
        normalised.of(["b"]).read(0, 90, 10, part)
        assert np.array_equal(part, quiet[90:100])

    def test_the_scaler_is_fitted_to_them(self, tmp_path, monkeypatch):
        contents = {name: 3 * track(300, seed=n) for n, name in enumerate("abc")}
        folds = fitted(tmp_path, monkeypatch, contents, "--level", "normalised")
        files = FeatureFiles([tmp_path / "s.npy"], [tmp_path / "s.csv"], PAPERS, NORMALISED)
        for fold, trained in enumerate("cab"):
            values = compress(files.of([trained]).whole(0).astype(np.float64))
            assert folds[fold]["mean"] == pytest.approx(values.mean(), rel=1e-6)
            assert folds[fold]["std"] == pytest.approx(values.std(), rel=1e-6)
            assert folds[fold]["level"]["input"] == NORMALISED


class TestRangeOfTrainingTracks:
    def test_it_is_that_of_the_training_tracks_of_the_fold(self, tmp_path, monkeypatch):
        contents = {name: np.float32(10**-n) * track(300) for n, name in enumerate("abc")}
        folds = fitted(tmp_path, monkeypatch, contents)
        whole = float(in_db(measured(track(300))))
        for fold, n in enumerate((2, 0, 1)):
            level = TrainingLevel.read(folds[fold]["level"])
            assert level.lowest == level.highest == pytest.approx(whole - 10 * n, abs=0.01)

    def test_one_in_a_hundred_on_either_side_does_not_count(self):
        decibels = np.linspace(-50, -30, 1000)
        decibels[:5], decibels[-5:] = -90, 0
        level = TrainingLevel.of(AS_RECORDED, 10 ** (decibels / 10))
        assert level.lowest == pytest.approx(-49.8, abs=0.03)
        assert level.highest == pytest.approx(-30.2, abs=0.03)

    def test_no_training_track_of_a_small_set_is_outside(self):
        levels = 10 ** (np.array([-41.23456, -35, -29.98765]) / 10)
        assert not any(map(TrainingLevel.of(AS_RECORDED, levels).warning, levels))

    def test_other_tracks_are(self):
        level = TrainingLevel(AS_RECORDED, -40, -30)
        assert level.warning(10**-3.5) == ""
        below = "its level of -45.0 dB is below that of the training tracks, -40.0 to -30.0 dB"
        assert level.warning(10**-4.5) == below
        assert "-12.0 dB is above that" in level.warning(10**-1.2)
        assert TrainingLevel(NORMALISED, -40, -30).warning(10**-4.5) == ""

    def test_models_together_know_the_range_of_all(self):
        one, other = TrainingLevel(AS_RECORDED, -40, -30), TrainingLevel(AS_RECORDED, -35, -20)
        assert one.together(other) == TrainingLevel(AS_RECORDED, -40, -20)

    @pytest.mark.parametrize(
        "change",
        [
            {"input": "loud"},
            {"lowest": float("nan")},
            {"highest": "0"},
            {"lowest": 1},
            {"further": 0},
        ],
    )
    def test_invalid_values_are_refused(self, change):
        values = asdict(TrainingLevel(AS_RECORDED, -40, -30)) | change
        with pytest.raises((ValueError, TypeError)):
            TrainingLevel.read(values)


class TestRandomGain:
    @pytest.fixture
    def segments(self, tmp_path):
        """A hundred segments of 20 frames of one content; compressed, not normalised."""
        write_shard(tmp_path / "s.npy", [Content("a", track(2000))], PAPERS)
        features = feature_files([tmp_path / "s.npy"]).of(["a"])
        first = 20 * np.arange(100)
        return Segments(features, np.zeros(100, int), first, 20, Scaler(0, 1))

    def gains(self, segments, seed, **settings):
        """The gain of each segment in dB."""
        rng = np.random.default_rng(seed)
        epoch = Augmented(segments, np.zeros(100), Augmentation(**settings), rng)
        rows = np.arange(100)
        ratio = np.expm1(epoch[rows]) / np.expm1(segments[rows])
        assert np.allclose(ratio, ratio[:, :1, :1], rtol=1e-3), "one gain for a whole segment"
        return in_db(ratio[:, 0, 0])

    def test_it_is_drawn_for_each_segment_and_epoch(self, segments):
        first, again, next_epoch = (self.gains(segments, seed, gain=12) for seed in (1, 1, 2))
        assert np.array_equal(first, again) and not np.allclose(first, next_epoch)
        assert -12 < first.min() < -10 and 10 < first.max() < 12

    def test_zero_changes_no_bit_of_the_other_methods(self, segments):
        others = {"pitch_shift": 2, "time_stretch": 0.2, "mixing": 0.5}
        rows = np.arange(100)

        def epoch(**settings):
            rng = np.random.default_rng(3)
            labels = np.zeros(100)
            return Augmented(segments, labels, Augmentation(**settings), rng)

        plain, louder = epoch(**others)[rows], epoch(**others, gain=6)[rows]
        assert np.array_equal(plain, epoch(**others, gain=0)[rows])
        ratio = np.expm1(louder) / np.maximum(np.expm1(plain), 1e-9)
        assert np.allclose(np.median(ratio, axis=(1, 2)), ratio[:, 5, 5], rtol=1e-2)
        assert Augmentation(gain=1).is_on
