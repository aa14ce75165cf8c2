"""Mel bands compared with an independent NumPy computation and with Essentia's own."""

import gc

import essentia.standard as essentia
import numpy as np
import pytest
import soundfile

from tests import mel_oracle
from tests.conftest import ROOT, clicks, relative_error, write_wav
from tests.papers import compress, mel_bands
from workflow_scripts.audio import front_end

# Essentia computes in float32. The relative error of a single band may be larger.
TOLERANCE = 1e-5

GROOVE = ROOT.parent / "shared" / "data" / "groove"


def pcm(signal):
    """The samples as stored in a 16-bit file."""
    return (signal * 32767).astype("<i2") / 32768


def signals():
    rng = np.random.default_rng(0)
    time = np.arange(3 * 44100) / 44100
    return {
        "noise": 0.1 * rng.standard_normal(3 * 44100),
        "sine": 0.5 * np.sin(2 * np.pi * 440 * time),
        "sweep": 0.5 * np.sin(2 * np.pi * 3000 * time**2),
        "clicks": clicks(rng, 120, 3),
        "silence, then sound": np.concatenate([np.zeros(44100), clicks(rng, 120, 1)]),
        "whole number of hops": 0.1 * rng.standard_normal(50 * 1024),
        "one sample more": 0.1 * rng.standard_normal(50 * 1024 + 1),
        "less than a frame": 0.1 * rng.standard_normal(500),
    }


@pytest.mark.parametrize("name", signals())
def test_bands_equal_the_oracle_before_and_after_compression(tmp_path, name):
    signal = signals()[name].clip(-1, 1)
    write_wav(tmp_path / "a.wav", signal)
    bands, expected = mel_bands(tmp_path / "a.wav"), mel_oracle.mel_bands(pcm(signal))
    assert bands.dtype == np.float32
    assert bands.shape == expected.shape
    assert relative_error(bands, expected) < TOLERANCE
    assert relative_error(compress(bands), np.log(1 + 10_000 * expected)) < TOLERANCE


def files(folder):
    """Yield path, signal, sampling rate and subtype of files of many kinds."""
    noise = 0.1 * np.random.default_rng(1).standard_normal((3 * 44100, 2))
    all_signals = signals() | {"silence": np.zeros(44100), "stereo": noise}
    for name, signal in all_signals.items():
        yield folder / f"{name}.wav", signal, 44100, "PCM_16"
    for rate in (8000, 22050, 48000):
        yield folder / f"{rate} Hz.wav", noise, rate, "PCM_16"
    for subtype in ("FLOAT", "PCM_24", "PCM_U8"):
        yield folder / f"{subtype}.wav", noise, 44100, subtype
    yield folder / "subnormal.wav", 1e-25 * noise, 44100, "FLOAT"
    yield folder / "40 dB above full scale.wav", 1e3 * noise, 44100, "FLOAT"
    for name in ("noise.flac", "noise.ogg", "noise.mp3"):
        yield folder / name, noise, 44100, None


def essentias_own(audio):
    """Mel bands by the loop over frames in Essentia's documentation."""
    window = essentia.Windowing(type="blackmanharris62")
    spectrum = essentia.Spectrum(size=2048)
    bands = essentia.MelBands(numberBands=40, sampleRate=44100, inputSize=1025)
    sound = essentia.MonoLoader(filename=str(audio), sampleRate=44100)()
    frames = essentia.FrameGenerator(sound, frameSize=2048, hopSize=1024)
    return np.array([bands(spectrum(window(frame))) for frame in frames])


@pytest.mark.parametrize("at_once", [60, 2])
def test_bands_equal_essentias_bit_for_bit(tmp_path, monkeypatch, at_once):
    """For tracks shorter and longer than AT_ONCE."""
    monkeypatch.setattr(front_end, "AT_ONCE", at_once)
    for path, signal, rate, subtype in files(tmp_path):
        soundfile.write(path, signal, rate, subtype)
        bands, expected = mel_bands(path), essentias_own(path)
        assert bands.shape == expected.shape, path.name
        assert bands.tobytes() == expected.tobytes(), path.name


def test_networks_are_freed_after_each_track(tmp_path):
    """Otherwise they would wait for a full garbage collection."""
    write_wav(tmp_path / "a.wav", clicks(np.random.default_rng(0), 100, 1))
    mel_bands(tmp_path / "a.wav")
    gc.collect()
    mel_bands(tmp_path / "a.wav")
    assert gc.collect() == 0


def test_thirty_seconds_are_1293_frames(tmp_path):
    write_wav(tmp_path / "a.wav", clicks(np.random.default_rng(0), 100, 30))
    assert mel_bands(tmp_path / "a.wav").shape == (1293, 40)


def test_bands_are_reproducible(tmp_path):
    silent_parts = np.concatenate([np.zeros(30_000), clicks(np.random.default_rng(0), 100, 1)])
    write_wav(tmp_path / "a.wav", silent_parts)
    assert np.array_equal(mel_bands(tmp_path / "a.wav"), mel_bands(tmp_path / "a.wav"))


def test_channels_are_mixed_and_the_rate_is_converted(tmp_path):
    mono = clicks(np.random.default_rng(0), 100, 4)
    write_wav(tmp_path / "mono.wav", mono)
    write_wav(tmp_path / "stereo.wav", np.stack([mono, mono], axis=1))
    time = np.arange(4 * 22050) / 22050
    write_wav(tmp_path / "slow.wav", 0.5 * np.sin(2 * np.pi * 1000 * time), rate=22050)
    bands = mel_bands(tmp_path / "mono.wav")
    assert relative_error(mel_bands(tmp_path / "stereo.wav"), bands) < 1e-3
    slow = mel_bands(tmp_path / "slow.wav")
    # The number of frames does not depend on the rate, except for the resampler's edge.
    assert abs(len(slow) - len(bands)) <= 1
    expected = mel_oracle.filters()[:, round(1000 * 2048 / 44100)].argmax()
    assert slow.mean(axis=0).argmax() == expected


@pytest.mark.skipif(not GROOVE.is_dir(), reason="needs the groove recordings in ../shared")
def test_real_recordings_are_decoded():
    bands = mel_bands(next(GROOVE.glob("jazz/*.ogg")))
    assert 1290 <= len(bands) <= 1300
    assert np.isfinite(bands).all() and bands.max() > 1e-4
