"""The demo's music: reproducible, with the tempi and meters of the dances, and varied."""

import wave

import numpy as np
import pytest

from tests.runs import run_module
from workflow_scripts.demo.composition import compose
from workflow_scripts.demo.dances import DANCES, TRACKS_A_DANCE
from workflow_scripts.demo.instruments import DRUMS, TIMBRES
from workflow_scripts.demo.synthesiser import perform

# Smallest and largest tempo in the Ballroom annotations, in BPM; beats per bar.
BALLROOM = {
    "ChaChaCha": (92, 136, 4),
    "Jive": (124, 180, 4),
    "Quickstep": (153, 219, 4),
    "Rumba": (76, 141, 4),
    "Samba": (68, 224, 4),
    "Tango": (112, 132, 4),
    "VienneseWaltz": (174, 180, 3),
    "Waltz": (60, 112, 3),
}


def scores(name, seconds=30):
    return [
        compose(DANCES[name], number, seconds, np.random.default_rng([1, number]))
        for number in range(TRACKS_A_DANCE)
    ]


def test_the_dances_are_those_of_ballroom():
    assert list(DANCES) == list(BALLROOM)


@pytest.mark.parametrize("name", DANCES)
def test_patterns_fill_whole_bars_with_known_players(name):
    dance = DANCES[name]
    bar = dance.beats * dance.steps
    patterns = [*dance.drums.values(), *dance.bass, *dance.chords, *dance.melodies]
    assert all(len(pattern) in (bar, 2 * bar) for pattern in patterns)
    assert set(dance.drums) <= set(DRUMS)
    assert {*dance.chord_players, *dance.melody_players} <= set(TIMBRES)
    assert dance.beats == BALLROOM[name][2]


@pytest.mark.parametrize("name", DANCES)
def test_tempi_follow_the_annotated_ones(name):
    tempi = [score.bpm for score in scores(name, seconds=1)]
    slowest, fastest, _ = BALLROOM[name]
    assert all(slowest <= bpm <= fastest for bpm in tempi)
    median = DANCES[name].tempi[3]
    assert abs(np.median(tempi) - median) <= 0.02 * median


def test_tempo_alone_does_not_identify_a_dance():
    ranges = {name: [s.bpm for s in scores(name, seconds=1)] for name in DANCES}
    overlapping = {
        name
        for name, own in ranges.items()
        for other, theirs in ranges.items()
        if other != name and max(min(own), min(theirs)) <= min(max(own), max(theirs))
    }
    assert len(overlapping) >= 6


@pytest.mark.parametrize("name", DANCES)
def test_tracks_of_a_dance_differ_in_key_and_players(name):
    composed = scores(name)
    players = {frozenset(note.player for note in score.notes) for score in composed}
    lowest = {min(n.pitch for n in s.notes if n.player.endswith("bass")) for s in composed}
    assert len(players) >= 3 and len(lowest) >= 3


@pytest.mark.parametrize("name", DANCES)
def test_strokes_repeat_with_the_meter(name):
    """The autocorrelation peaks at a multiple of 3 beats; in bars of four beats, of 2."""
    dance = DANCES[name]
    period = 3 if dance.beats == 3 else 2
    for score in scores(name):
        beat = 60 / score.bpm
        trains: dict[str, np.ndarray] = {}
        for note in score.notes:
            if note.pitch is None or note.player.endswith("bass"):
                train = trains.setdefault(note.player, np.zeros(int(30 / beat * 12) + 13))
                train[round(note.start / beat * 12)] += note.loudness
        autocorrelation = np.zeros(13)
        for train in trains.values():
            blurred = np.convolve(train, [0.5, 1, 0.5], "same")
            blurred -= blurred.mean()
            for beats in range(1, 13):
                shifted = blurred[: -beats * 12], blurred[beats * 12 :]
                autocorrelation[beats] += np.corrcoef(*shifted)[0, 1]
        assert autocorrelation.argmax() % period == 0


def test_the_sound_has_no_clipping_gaps_or_offset():
    score = compose(DANCES["Waltz"], 0, 6, np.random.default_rng(0))
    sound = perform(score, 6, np.random.default_rng(0))
    assert sound.shape == (6 * 44100,) and sound.dtype == np.float32
    assert np.abs(sound).max() == pytest.approx(0.8)
    assert abs(sound.mean()) < 0.01
    loudness = np.sqrt(np.square(sound.reshape(6, -1)).mean(axis=1))
    assert loudness.min() > 0.01


@pytest.mark.endurance
def test_the_step_reproduces_ten_tracks_and_tempi(tmp_path):
    for folder in ("once", "again"):
        code, output = run_module(
            "steps.synthesise", "--dance", "Tango", "--folder", tmp_path / folder
        )
        assert code == 0, output
    names = sorted(path.name for path in (tmp_path / "once").iterdir())
    assert len(names) == 20 and "Tango-01.wav" in names and "Tango-10.bpm" in names
    for name in names:
        assert (tmp_path / "once" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    with wave.open(str(tmp_path / "once/Tango-03.wav")) as file:
        assert (file.getframerate(), file.getnchannels()) == (44100, 1)
        assert file.getnframes() == 30 * 44100
