"""Replicas are found with the features of any front end."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from tests.conftest import relative_error, write_wav
from tests.front_ends import FRONT_ENDS
from tests.papers import PAPERS
from workflow_scripts.audio import front_end as front_end_module
from workflow_scripts.dataset.comparable import comparable
from workflow_scripts.dataset.fingerprints import LOW_BANDS
from workflow_scripts.dataset.sound_search import similar


def test_features_of_the_papers_front_end_are_not_touched():
    energies = np.random.default_rng(0).random((50, 40), dtype=np.float32)
    for front_end in (PAPERS, replace(PAPERS, compression=None)):
        assert comparable(energies, front_end) is energies


def test_equal_energies_stay_equal():
    """The rows of both transformations are means."""
    for front_end in FRONT_ENDS.values():
        n_frames = round(10 * front_end.frame_rate) + 1
        constant = np.full((n_frames, front_end.n_bands), 0.3, np.float32)
        found = comparable(constant, front_end)
        assert found.dtype == np.float32
        assert found.shape[1] == LOW_BANDS and abs(len(found) - 431) <= 1
        assert np.allclose(found, 0.3, rtol=1e-5)


def test_a_front_end_as_fine_as_the_papers_gives_its_bands():
    """Twice as many bands and frames, from the same energies."""
    fine = replace(PAPERS, n_bands=81, hop_size=512)
    smooth = np.convolve(np.random.default_rng(0).random(400), np.hanning(60), "same")
    energies = np.outer(smooth, np.linspace(1, 2, 81)).astype(np.float32)
    # Every second band has the centre of one of the paper's, every second frame its time.
    expected = energies[::2, 1:40:2]
    assert relative_error(comparable(energies, fine)[2:-2], expected[2:-2]) < 0.01


def test_no_frames_give_none():
    front_end = FRONT_ENDS["16 kHz, 96 bands"]
    assert len(comparable(np.empty((0, 96), np.float32), front_end)) == 0


@pytest.mark.parametrize("name", FRONT_ENDS)
def test_a_shifted_quieter_copy_is_found_and_no_other(tmp_path, name):
    front_end = FRONT_ENDS[name]
    sounds, energies = melodies(), []
    for sound in sounds:
        write_wav(tmp_path / "a.wav", sound)
        energies.append(front_end_module.mel_bands(tmp_path / "a.wav", front_end))
    found = similar(len(sounds), lambda track: comparable(energies[track], front_end), tmp_path)
    assert [(first, second, certain) for first, second, _, certain in found] == [(0, 3, True)]


@cache
def melodies():
    """Three melodies, and a quieter copy of the first that starts later."""
    rng = np.random.default_rng(1)
    sounds = [melody(rng) for _ in range(3)]
    return [*sounds, 0.3 * sounds[0][7000:]]


def melody(rng, seconds=20):
    """Notes at random times and pitches, each with harmonics and noise."""
    time = np.arange(44100) / 44100
    sound = np.zeros((seconds + 1) * 44100)
    for start in np.cumsum(rng.uniform(0.15, 0.5, 60)):
        pitch = 110 * 2 ** (rng.integers(0, 30) / 12)
        tones = sum(np.sin(2 * np.pi * pitch * k * time) / k for k in range(1, 8))
        note = np.exp(-4 * time) * (tones + 0.2 * rng.standard_normal(len(time)))
        first = min(int(start * 44100), seconds * 44100)
        sound[first : first + len(note)] += note
    return 0.5 * sound[:-44100] / np.abs(sound).max()
