"""The search for replicas by sound: what is found in spite of a transformation, and what is not."""

import io
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from scipy.signal import resample_poly

from benchmarks.replicas import copy, track
from tests.conftest import ROOT, write_wav
from tests.papers import PAPERS
from workflow_scripts.dataset import fingerprints, sound_search
from workflow_scripts.dataset.similarity import Profile
from workflow_scripts.dataset.sound_search import similar

RATE = 44100
SECONDS = 14


def search(tmp_path, *tracks):
    """The pairs that are found: {(first, second): is a replica}."""
    found = similar(len(tracks), lambda number: tracks[number], tmp_path)
    return {(first, second): replica for first, second, _, replica in found}


def music(seed, seconds=SECONDS):
    """Struck notes at random times, of random pitch and strength, float (samples,)."""
    rng = np.random.default_rng(seed)
    sound = np.zeros(RATE * seconds)
    age = np.arange(RATE // 2) / RATE
    for start in rng.uniform(0, seconds - 0.6, 6 * seconds):
        pitch = rng.choice([60, 110, 165, 220, 330, 440, 660, 990, 1320, 2000, 3000])
        note = np.sin(2 * np.pi * pitch * rng.uniform(0.97, 1.03) * age) * np.exp(-age / 0.1)
        noise = rng.standard_normal(len(age)) * np.exp(-age / 0.02)
        place = slice(int(start * RATE), int(start * RATE) + len(age))
        sound[place] += rng.uniform(0.05, 0.3) * (note + 0.2 * noise)
    return 0.5 * sound / np.abs(sound).max()


def coded(sound, rate, **options):
    """What a lossy format leaves of a sound."""
    file = io.BytesIO()
    soundfile.write(file, sound, rate, **options)
    file.seek(0)
    return soundfile.read(file)


def mp3(level):
    options = {"format": "MP3", "compression_level": level, "bitrate_mode": "CONSTANT"}
    return lambda sound, rate: coded(sound, rate, **options)


# Of a mono file: bits per second of the frames are 64 000 at level 0.88, 128 000 at 0.66.
TRANSFORMATIONS = {
    "MP3 at 64 kbit/s": mp3(0.88),
    "MP3 at 128 kbit/s": mp3(0.66),
    "Ogg": lambda sound, rate: coded(sound, rate, format="OGG", subtype="VORBIS"),
    "8 kHz": lambda sound, rate: (resample_poly(sound, 80, 441), 8000),
    "-12 dB": lambda sound, rate: (0.25 * sound, rate),
    "shifted by 0.37 s": lambda sound, rate: (sound[round(0.37 * rate) :], rate),
    "shifted by half a frame": lambda sound, rate: (sound[512:], rate),
    "silence before": lambda sound, rate: (np.append(np.zeros(rate), sound), rate),
    "cut": lambda sound, rate: (sound[3 * rate : 10 * rate], rate),
}


def energies(path, sound, rate):
    from workflow_scripts.audio import front_end

    write_wav(path, sound, rate)
    return front_end.mel_bands(path, PAPERS)


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """The features of three recordings."""
    folder = tmp_path_factory.mktemp("originals")
    return [energies(folder / f"{seed}.wav", music(seed), RATE) for seed in range(3)]


PAIRED = [("-12 dB", "MP3 at 64 kbit/s"), ("cut", "8 kHz"), ("shifted by 0.37 s", "Ogg")]


@pytest.mark.parametrize("names", [(name,) for name in TRANSFORMATIONS] + PAIRED)
def test_a_copy_of_one_recording_is_found_among_others(tmp_path, originals, names):
    sound, rate = music(1), RATE
    for name in names:
        sound, rate = TRANSFORMATIONS[name](sound, rate)
    copied = energies(tmp_path / "copy.wav", sound, rate)
    assert search(tmp_path, *originals, copied) == {(1, 3): True}
    assert {path.name for path in tmp_path.iterdir()} == {"copy.wav"}


class TestCopiesOfFeatures:
    def test_copies_are_found_whatever_the_order_of_tracks(self, tmp_path):
        tracks = [track(seed) for seed in range(12)]
        tracks += [copy(tracks[seed], seed) for seed in range(4)]
        expected = {(seed, 12 + seed): True for seed in range(4)}
        assert search(tmp_path, *tracks) == expected
        order = np.random.default_rng(0).permutation(len(tracks))
        place = np.argsort(order)
        assert search(tmp_path, *[tracks[k] for k in order]) == {
            tuple(sorted((int(place[a]), int(place[b])))): True for a, b in expected
        }

    def test_many_copies_of_one_track_are_all_linked(self, tmp_path):
        original = track(0)
        tracks = [copy(original, seed) for seed in range(40)]
        linked = {0}
        found = search(tmp_path, *tracks)
        for _ in tracks:
            linked |= {track for pair in found if linked & {*pair} for track in pair}
        assert linked == set(range(40)) and all(found.values())
        assert len(found) <= 40 * sound_search.MOST_IN_VAIN

    def test_a_poor_copy_is_linked_to_a_set_of_many_good_ones(self, tmp_path):
        good = [track(0) * (1 + number / 100) for number in range(60)]
        found = search(tmp_path, *good, copy(track(0), 7))
        assert [pair for pair, replica in found.items() if 60 in pair and replica]

    def test_the_score_does_not_depend_on_the_level(self):
        one, other = track(0), copy(track(0), 1)
        scores = [Profile(one).match(Profile(level * other)).score for level in (1, 1e-3, 1e3)]
        assert np.ptp(scores) < 1e-3 and min(scores) > sound_search.REPLICA

    @pytest.mark.parametrize("start", [660, 800])
    @pytest.mark.parametrize("gain", [1, 100])
    def test_an_excerpt_is_found_whatever_the_level_of_the_rest(self, tmp_path, gain, start):
        original = track(0)
        original[:640] *= gain
        excerpt = original[start : start + 400]
        match = Profile(original).match(Profile(excerpt))
        assert match.score > 0.98 and match.lag == start
        assert search(tmp_path, original, excerpt, track(1)) == {(0, 1): True}


def played(seed, strengths, jitter):
    """Two bars again and again; spread of the log of strengths, and jitter in frames."""
    rng, pattern = np.random.default_rng(seed), np.random.default_rng(99)
    spectra = np.exp(pattern.normal(0, 1.5, (4, 40)))
    hits = pattern.random((4, 32)) < 0.3
    frames = np.full((900, 40), 1e-9)
    for step in range(0, 900 - 20, 5):
        for voice in np.flatnonzero(hits[:, step // 5 % 32]):
            place = step + max(round(rng.normal(0, jitter)), -step)
            strength = 1e-4 * np.exp(rng.normal(0, strengths))
            decay = np.exp(-np.arange(12) / 3)[:, None]
            frames[place : place + 12] += strength * decay * spectra[voice]
    return frames.astype(np.float32)


class TestNotReplicas:
    @pytest.mark.parametrize(("strengths", "jitter"), [(0.5, 0.5), (0.3, 0.5), (0.3, 0.3)])
    def test_two_takes_of_one_pattern_on_one_kit(self, tmp_path, strengths, jitter):
        takes = [played(seed, strengths, jitter) for seed in range(4)]
        found = search(tmp_path, *takes, takes[0])
        assert {pair for pair, replica in found.items() if replica} == {(0, 4)}, "the same take"

    def test_tracks_made_of_one_loop_are_doubtful(self, tmp_path):
        loop = played(0, 0, 0)
        assert search(tmp_path, loop[:700], loop[83:800]) == {(0, 1): False}

    def test_equal_loops_are_replicas(self, tmp_path):
        loop = played(0, 0, 0)
        assert search(tmp_path, loop, 0.5 * loop) == {(0, 1): True}

    def test_a_few_seconds_in_common_are_doubtful(self, tmp_path):
        short = track(0)[:180]
        assert search(tmp_path, short, 0.5 * short) == {(0, 1): False}

    def test_a_mix_does_not_join_the_tracks_in_it(self, tmp_path):
        parts = [track(seed)[:600] for seed in range(12)]
        mix = np.concatenate(parts)
        found = search(tmp_path, mix, *parts)
        assert found == {(0, number): False for number in range(1, 13)}
        assert search(tmp_path, mix[:2400], *parts[:4]) == {(0, k): True for k in range(1, 5)}

    @pytest.mark.parametrize(
        "sound",
        [
            np.zeros((900, 40)),
            np.full((900, 40), 1e-3),
            np.outer(np.ones(900), np.eye(40)[7]),
            np.outer(np.exp(-np.arange(900) / 100), np.ones(40)),
            np.zeros((0, 40)),
            np.ones((1, 40)),
            track(0)[:40],
            np.full((900, 40), 3e38),
        ],
        ids=["silence", "noise floor", "tone", "decay", "no frame", "one frame", "short", "huge"],
    )
    def test_sounds_that_say_too_little(self, tmp_path, sound):
        sound = sound.astype(np.float32)
        with np.errstate(all="raise", under="ignore"):
            assert search(tmp_path, sound, 0.5 * sound, 0.25 * sound, track(1)) == {}

    def test_a_track_that_is_almost_silent(self, tmp_path):
        sound = np.zeros((900, 40), np.float32)
        sound[100] = 1
        assert search(tmp_path, sound, np.roll(sound, 50, axis=0)) == {}


def test_codes_are_unique_in_a_track_and_depend_on_low_bands_only():
    energies = track(0)
    codes = fingerprints.fingerprint(energies, 7)
    low = energies.copy()
    low[:, fingerprints.LOW_BANDS :] = 0
    assert np.array_equal(fingerprints.fingerprint(low, 7), codes)
    equal = fingerprints.without_context(codes["code"])
    assert len(np.unique(equal)) == len(equal) > 500 and set(codes["track"]) == {7}
    assert codes["time"].min() >= 0 and codes["time"].max() < 2 * len(energies)


def test_a_code_that_is_repeated_is_kept_where_it_is_clearest():
    clear = track(0)[:600]
    blurred = clear + 0.3 * clear.mean(axis=0)
    alone = fingerprints.without_context(fingerprints.fingerprint(clear, 0)["code"])
    codes = fingerprints.fingerprint(np.concatenate([blurred, clear]), 0)
    of_both = np.isin(fingerprints.without_context(codes["code"]), alone)
    assert of_both.sum() > 200 and (codes["time"][of_both] >= 2 * 500).mean() > 0.9


def test_the_benchmark_finds_all_copies_and_nothing_else():
    program = [sys.executable, ROOT / "benchmarks/replicas.py", "--tracks", "60"]
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1].split()[3:] == ["3", "3", "0", "0"]
