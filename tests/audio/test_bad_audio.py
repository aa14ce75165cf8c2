"""Decoding of all kinds of audio files, and the reasons given for files that cannot be used."""

import os
import struct
import tracemalloc

import numpy as np
import pandas as pd
import pytest
import soundfile

from tests.audio_files import late_ogg, mp4, ogg_pages
from tests.conftest import clicks, relative_error, write_wav
from tests.crashing import crash
from tests.papers import PAPERS, mel_bands
from tests.runs import run_module
from workflow_scripts import checked_tables
from workflow_scripts.audio.decoding import NotAudioError
from workflow_scripts.audio.files import what_is_missing
from workflow_scripts.audio.worker import Worker
from workflow_scripts.dataset import bad_audio, replicas, selection, split
from workflow_scripts.dataset.features import read_index
from workflow_scripts.dataset.track_tables import COMPUTED, TRACKS
from workflow_scripts.errors import UserError
from workflow_scripts.results.notes import truncated
from workflow_scripts.steps import extract_mel

SECONDS = 4
MUSIC = clicks(np.random.default_rng(0), 120, SECONDS)
# File name, subtype of libsndfile, tolerance; None for lossy formats, compared by correlation.
KINDS = {
    "wav 16": ("a.wav", "PCM_16", 1e-3),
    "wav 24": ("a.wav", "PCM_24", 1e-3),
    "wav float": ("a.wav", "FLOAT", 1e-3),
    "wav adpcm": ("a.wav", "MS_ADPCM", None),
    "wav u-law": ("a.wav", "ULAW", None),
    "flac": ("a.flac", "PCM_16", 1e-3),
    "ogg vorbis": ("a.ogg", "VORBIS", None),
    "opus": ("a.ogg", "OPUS", None),
    "mp3": ("a.mp3", "MPEG_LAYER_III", None),
    "aiff": ("a.aiff", "PCM_16", 1e-3),
    "au": ("a.au", "PCM_16", 1e-3),
    "caf": ("a.caf", "PCM_16", 1e-3),
    "w64": ("a.w64", "PCM_16", 1e-3),
}


def write(path, signal, rate=44100, subtype="PCM_16"):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, signal, rate, subtype)
    return path


@pytest.fixture(scope="module")
def bands(tmp_path_factory):
    """Mel bands of MUSIC as a WAV of 32-bit floats."""
    path = tmp_path_factory.mktemp("plain") / "a.wav"
    return mel_bands(write(path, MUSIC, subtype="FLOAT"))


class TestFormats:
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("name", ["", "misnamed.mp3"])
    def test_formats_are_recognised_by_content_not_suffix(self, tmp_path, bands, kind, name):
        file, subtype, tolerance = KINDS[kind]
        # libsndfile's Opus encoder does not accept 44.1 kHz.
        rate = 48000 if subtype == "OPUS" else 44100
        path = write(tmp_path / file, MUSIC, rate, subtype)
        if name:
            path = path.rename(tmp_path / name)
        decoded = mel_bands(path)
        assert abs(len(decoded) - len(bands) * 44100 / rate) <= 5
        if tolerance is not None:
            assert relative_error(decoded, bands) < tolerance
        elif rate == 44100:
            n = min(len(decoded), len(bands))
            flux = [np.log1p(1e4 * b[:n]).sum(axis=1) for b in (decoded, bands)]
            lags = [np.corrcoef(np.roll(flux[0], lag), flux[1])[0, 1] for lag in range(-4, 5)]
            assert max(lags) > 0.9
        assert what_is_missing(path, (len(decoded) - 1) * 1024 / 44100) is None

    @pytest.mark.parametrize("channels", [2, 3, 6, 8])
    @pytest.mark.parametrize("file", ["a.wav", "a.flac"])
    def test_channels_are_mixed_to_their_mean(self, tmp_path, bands, channels, file):
        """One channel contains the music; the others are silent."""
        signal = np.zeros((len(MUSIC), channels))
        signal[:, -1] = MUSIC
        mixed = mel_bands(write(tmp_path / file, signal))
        # Mel energies are proportional to the square of the amplitude.
        assert relative_error(mixed * channels**2, bands) < 2e-2
        assert np.argmax(mixed.sum(axis=1)) == np.argmax(bands.sum(axis=1))

    @pytest.mark.parametrize("rate", [8000, 11025, 22050, 32000, 48000, 96000, 192000])
    def test_the_sampling_rate_is_converted(self, tmp_path, rate):
        time = np.arange(2 * rate) / rate
        converted = mel_bands(
            write(tmp_path / "a.wav", 0.5 * np.sin(2 * np.pi * 1000 * time), rate)
        )
        plain = mel_bands(
            write(tmp_path / "b.wav", 0.5 * np.sin(2 * np.pi * 1000 * np.arange(88200) / 44100))
        )
        assert abs(len(converted) - len(plain)) <= 1
        middle = slice(10, -10)
        assert relative_error(converted[middle].mean(axis=0), plain[middle].mean(axis=0)) < 0.02

    @pytest.mark.parametrize(
        "name", ["a:b.wav", "-x.wav", "%03d.wav", "$(x) 'y' \"z\".wav", "n\nl.wav", "é" * 120]
    )
    def test_unusual_file_names_are_accepted(self, tmp_path, bands, name, monkeypatch):
        write(tmp_path / "plain.wav", MUSIC, subtype="FLOAT").rename(tmp_path / name)
        monkeypatch.chdir(tmp_path)
        assert np.array_equal(mel_bands(type(tmp_path)(name)), bands)


def float_wav(path, signal):
    """Write a WAV of 32-bit floats, which may be NaN or infinite."""
    signal = signal.astype("<f4")
    header = struct.pack("<4sI4s4sIH", b"RIFF", 36 + signal.nbytes, b"WAVE", b"fmt ", 16, 3)
    rest = struct.pack("<HIIHH4sI", 1, 44100, 44100 * 4, 4, 32, b"data", signal.nbytes)
    path.write_bytes(header + rest + signal.tobytes())


@pytest.mark.parametrize("sample", [np.nan, np.inf])
def test_samples_that_are_not_finite_are_rejected(tmp_path, sample):
    signal = np.zeros(44100)
    signal[5000] = sample
    float_wav(tmp_path / "a.wav", signal)
    with pytest.raises(NotAudioError, match="contains samples that are not finite numbers"):
        mel_bands(tmp_path / "a.wav")


@pytest.mark.parametrize(
    "content",
    [
        b"no audio at all\n" * 100,
        b"RIFF\x24\0\0\0WAVEfmt ",
        b"OggS" + bytes(100),
        b"ID3\4" * 9,
        b"\x89PNG\r\n\x1a\n" + bytes(1000),
        b"fLaC" + bytes(500),
    ],
)
def test_files_that_are_not_audio_are_rejected(tmp_path, content):
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(NotAudioError, match=r"cannot be decoded as audio|contains no sound"):
        mel_bands(tmp_path / "a.wav")


class TestTruncation:
    @pytest.mark.parametrize("kind", ["wav 16", "wav float", "flac", "ogg vorbis", "opus", "aiff"])
    @pytest.mark.parametrize("share", [0.3, 0.6, 0.8])
    def test_a_truncated_file_is_reported(self, tmp_path, kind, share):
        file, subtype, _ = KINDS[kind]
        rate = 48000 if subtype == "OPUS" else 44100
        path = write(tmp_path / file, MUSIC, rate, subtype)
        os.truncate(path, int(path.stat().st_size * share))
        problem = extract_mel.content("d", path, mel_bands, PAPERS).problem
        assert problem.startswith(bad_audio.TRUNCATED), problem

    def test_the_remaining_duration_is_reported(self, tmp_path):
        path = write(tmp_path / "a.wav", MUSIC)
        assert what_is_missing(path, 3.4) == "3.4 of 4.0 s remain"
        assert what_is_missing(path, 3.6) is None, "a loss of less than 0.5 s is ignored"

    @pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFFFDB, 0])
    def test_a_wav_written_to_a_pipe_is_complete(self, tmp_path, size):
        write_wav(tmp_path / "a.wav", MUSIC)
        content = bytearray((tmp_path / "a.wav").read_bytes())
        content[40:44] = struct.pack("<I", size)
        (tmp_path / "a.wav").write_bytes(content)
        assert what_is_missing(tmp_path / "a.wav", SECONDS) is None

    def test_an_mp3_may_start_with_a_picture(self, tmp_path, bands):
        path = write(tmp_path / "a.mp3", MUSIC, subtype="MPEG_LAYER_III")
        size = 200_000
        tag = b"ID3\4\0\0" + bytes((size >> shift) & 127 for shift in (21, 14, 7, 0)) + bytes(size)
        path.write_bytes(tag + path.read_bytes())
        decoded = mel_bands(path)
        assert abs(len(decoded) - len(bands)) <= 5
        assert what_is_missing(path, (len(decoded) - 1) * 1024 / 44100) is None

    @pytest.mark.parametrize("kind", ["ogg vorbis", "opus"])
    def test_an_ogg_stream_may_start_late(self, tmp_path, kind):
        """As a part that was cut out of a longer stream."""
        file, subtype, _ = KINDS[kind]
        rate = 48000 if subtype == "OPUS" else 44100
        path = write(tmp_path / file, MUSIC, rate, subtype)
        path.write_bytes(late_ogg(path.read_bytes(), 600 * 48000))
        assert extract_mel.content("d", path, mel_bands, PAPERS).problem == ""

    def test_a_hole_in_an_ogg_stream_is_reported(self, tmp_path):
        path = write(tmp_path / "a.ogg", np.tile(MUSIC, 5), subtype="VORBIS")
        pages = list(ogg_pages(path.read_bytes()))
        path.write_bytes(b"".join([*pages[:3], *pages[4:]]))
        problem = extract_mel.content("d", path, mel_bands, PAPERS).problem
        assert problem == "is truncated: a part of its Ogg stream is missing"

    def test_ogg_streams_may_follow_each_other(self, tmp_path):
        path = write(tmp_path / "a.ogg", MUSIC, subtype="VORBIS")
        path.write_bytes(path.read_bytes() * 2)
        content = extract_mel.content("d", path, mel_bands, PAPERS)
        assert content.problem == "" and len(content.energies) > 1.9 * SECONDS * 43

    @pytest.mark.parametrize("first", ["OPUS", "VORBIS"])
    def test_an_opus_stream_that_follows_another_is_missing(self, tmp_path, first):
        """libsndfile decodes the first stream only, and Essentia no Opus."""
        path = write(tmp_path / "a.ogg", np.tile(MUSIC, 2), 48000, first)
        second = write(tmp_path / "b.ogg", np.tile(MUSIC, 2), 48000, "OPUS")
        path.write_bytes(path.read_bytes() + second.read_bytes())
        problem = extract_mel.content("d", path, mel_bands, PAPERS).problem
        assert problem.startswith(bad_audio.TRUNCATED), problem

    def test_a_sparse_file_takes_no_memory(self, tmp_path):
        path = write(tmp_path / "a.ogg", MUSIC, subtype="VORBIS")
        os.truncate(path, 8 << 30)
        tracemalloc.start()
        assert what_is_missing(path, SECONDS) is None
        assert tracemalloc.get_traced_memory()[1] < 5e6
        tracemalloc.stop()

    @pytest.mark.parametrize(
        "times", [{}, {"film": 11}, {"late": 2}, {"film": 30, "late": 5}, {"part": 1.5}]
    )
    def test_an_mp4_is_as_long_as_its_sound(self, tmp_path, times):
        """Not as its film; an edit list may use a part only."""
        (tmp_path / "a.m4a").write_bytes(mp4(MUSIC, **times))
        assert extract_mel.content("d", tmp_path / "a.m4a", mel_bands, PAPERS).problem == ""

    def test_an_mp4_that_states_more_sound_is_truncated(self, tmp_path):
        (tmp_path / "a.m4a").write_bytes(mp4(MUSIC, stated=9))
        problem = extract_mel.content("d", tmp_path / "a.m4a", mel_bands, PAPERS).problem
        assert problem == "is truncated: 4.0 of 9.0 s remain"

    @pytest.mark.parametrize(("subtype", "suffix"), [("GSM610", "wav"), ("IMA_ADPCM", "wav")])
    def test_a_truncated_codec_in_wav_is_reported(self, tmp_path, subtype, suffix):
        path = write(tmp_path / f"a.{suffix}", MUSIC[::5], 8820, subtype)
        os.truncate(path, path.stat().st_size // 2)
        problem = extract_mel.content("d", path, mel_bands, PAPERS).problem
        assert problem.startswith(bad_audio.TRUNCATED), problem


NO_PAIRS = pd.DataFrame(columns=replicas.COLUMNS)


def criteria(on_bad_audio):
    return selection.Criteria(on_bad_audio, "keep", 2, "", {"short": 80}, ballroom=False)


class TestUseTruncated:
    """A choice of on_bad_audio for previews that were cut without a new header."""

    def tables(self):
        names = [f"{label}{number}" for label in "ab" for number in range(5)]
        tracks = pd.DataFrame({"track_id": names, "label": [n[0] for n in names]})
        tracks["path"] = tracks["digest"] = names
        index = pd.DataFrame({"digest": names, "n_frames": 200, "silence": "", "problem": ""})
        index.loc[[0, 5], "problem"] = "is truncated: 8.0 of 40.0 s remain"
        index.loc[1, ["problem", "n_frames"]] = ["is truncated: 0.5 of 40.0 s remain", 20]
        index.loc[2, "problem"] = "is silent throughout"
        return tracks, index, NO_PAIRS

    def test_truncated_tracks_are_used_and_others_skipped(self, tmp_path, capsys):
        selected = selection.select(*self.tables(), criteria("use_truncated"))
        assert selected.skipped["track_id"].tolist() == ["a1", "a2"]
        assert "note: a0 is truncated: 8.0 of 40.0 s remain; it is used" in capsys.readouterr().out
        split.write(tmp_path / "folds.csv", selected.used, np.array([0, 1] * 4))
        tracks = split.read(tmp_path / "folds.csv")
        assert tracks.n_truncated == 2 and "a0" in tracks.track_id
        assert truncated(tracks).startswith("2 truncated tracks are used")

    def test_a_users_column_has_none_of_the_added_names(self):
        """All names that the selection adds to the table are refused in a user's tracks.csv."""
        tracks, index, pairs = self.tables()
        used = selection.select(tracks, index, pairs, criteria("use_truncated")).used
        assert set(used) - set(tracks) and set(used) - set(tracks) <= set(COMPUTED)

    def test_skip_skips_them(self, tmp_path):
        selected = selection.select(*self.tables(), criteria("skip"))
        assert selected.skipped["track_id"].tolist() == ["a0", "a1", "a2", "b0"]
        split.write(tmp_path / "folds.csv", selected.used, np.array([0, 1] * 3))
        tracks = split.read(tmp_path / "folds.csv")
        assert truncated(tracks) == ""

    def test_the_error_names_the_choice(self):
        with pytest.raises(UserError, match="on_bad_audio: use_truncated uses truncated tracks"):
            selection.select(*self.tables(), criteria("fail"))


def test_a_crash_caused_by_an_earlier_file_is_not_blamed_on_a_file(tmp_path):
    """The second path is tried again in a fresh process, which does not crash on it."""
    with Worker(crash) as worker:
        assert worker(tmp_path / "poison")[0] == 6
        assert worker(tmp_path / "good")[0] == 4


def test_a_crash_of_the_decoder_affects_one_file_only(tmp_path):
    paths = [tmp_path / name for name in ("good", "bad", "refused", "bad too", "good again")]
    answers = []
    with Worker(crash) as worker:
        for path in paths:
            try:
                answers.append(int(worker(path)[0]))
            except NotAudioError as reason:
                answers.append(str(reason))
    crashed = "cannot be decoded: the decoder crashes on it"
    assert answers == [4, crashed, "is refused", crashed, 10]


def corpus(folder):
    """Write a shard of good and bad tracks; return the table of the tracks."""
    files = {
        "good": MUSIC,
        "silent": np.zeros(44100 * SECONDS),
        "nearly silent": 1e-6 * np.ones(44100 * SECONDS),
        "faint": 1e-3 * MUSIC,
        "short": MUSIC[: 44100 // 2],
    }
    for name, signal in files.items():
        write(folder / f"{name}.wav", signal, subtype="PCM_24")
    (folder / "empty.wav").touch()
    (folder / "text.wav").write_text("no audio\n" * 1000)
    cut = write(folder / "cut.wav", MUSIC)
    os.truncate(cut, cut.stat().st_size // 2)
    names = sorted(path.stem for path in folder.glob("*.wav"))
    table = pd.DataFrame({"track_id": names, "digest": names, "label": "x"})
    table["path"] = [str(folder / f"{name}.wav") for name in names]
    checked_tables.write(folder / "tracks.csv", table, TRACKS)
    (folder / "shard.txt").write_text("".join(f"{n}\n" for n in names if " " not in n))
    return table


REASONS = {
    "cut": r"is truncated: 2\.0 of 4\.0 s remain",
    "empty": "is empty",
    "short": r"is too short: 2\d frames, a segment of 80 takes 1\.9 s",
    "silent": "is silent throughout",
    "text": "cannot be decoded as audio: it is a text file, not audio",
}


@pytest.mark.workflow
def test_exactly_the_bad_tracks_are_reported(tmp_path):
    tracks = corpus(tmp_path)
    tracks = tracks[~tracks["digest"].str.contains(" ")].reset_index(drop=True)
    code, output = run_module(
        "steps.extract_mel",
        *("--tracks", tmp_path / "tracks.csv", "--shard", tmp_path / "shard.txt"),
        *("--features", tmp_path / "s.npy"),
    )
    assert code == 0 and "analysed 7 files" in output
    index = read_index(tmp_path / "s.csv").set_index("digest").loc[tracks["digest"]]
    tracks["n_frames"] = index["n_frames"].to_numpy()
    problems = selection.reasons_to_skip(
        tracks, index["problem"].to_numpy(), 80, use_truncated=False
    )
    reported = dict(zip(tracks["track_id"][problems.index], problems, strict=True))
    assert reported.keys() == REASONS.keys()
    for name, reason in REASONS.items():
        assert pd.Series([reported[name]]).str.fullmatch(reason).all(), reported[name]
    published = selection.reasons_to_skip(
        tracks, index["problem"].to_numpy(), 80, use_truncated=True
    )
    assert set(tracks["track_id"][published.index]) == REASONS.keys() - {"cut"}


def test_a_tiny_constant_counts_as_silence(tmp_path):
    path = write(tmp_path / "a.wav", 1e-6 * np.ones(44100), subtype="FLOAT")
    assert extract_mel.content("d", path, mel_bands, PAPERS).problem == bad_audio.SILENT


@pytest.mark.workflow
def test_a_file_that_disappears_after_listing_is_an_error(tmp_path):
    corpus(tmp_path)
    (tmp_path / "good.wav").unlink()
    code, output = run_module(
        "steps.extract_mel",
        *("--tracks", tmp_path / "tracks.csv", "--shard", tmp_path / "shard.txt"),
        *("--features", tmp_path / "s.npy"),
    )
    assert code == 1 and "good.wav: No such file or directory; it existed when" in output
    assert "Traceback" not in output and not list(tmp_path.glob("s.*"))
