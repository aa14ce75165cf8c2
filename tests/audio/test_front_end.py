"""Mel bands compared with an independent NumPy computation and with Essentia's own."""

import gc

import essentia.standard as essentia
import numpy as np
import pytest
import soundfile

from tests import mel_oracle
from tests.conftest import ROOT, clicks, relative_error, write_wav
from tests.front_ends import FRONT_ENDS
from tests.papers import PAPERS, compress, mel_bands
from workflow_scripts.audio import front_end as front_end_module
from workflow_scripts.audio import mel_scale, windows
from workflow_scripts.dataset import normalisation

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


# Essentia adds up the edges of the triangles in float32. The weights of narrow ones differ by up to
# 3e-5 of the largest, which is more of a small energy, and so of its logarithm.
TOLERANCE_OF_NARROW_BANDS, OF_THEIR_LOGARITHMS = 1e-4, 1e-3


@pytest.mark.parametrize("name", FRONT_ENDS)
@pytest.mark.parametrize("sound", signals())
def test_bands_of_other_front_ends_equal_the_oracle(tmp_path, name, sound):
    front_end = FRONT_ENDS[name]
    settings, rate = front_end.settings, front_end.sample_rate
    signal = signals()[sound].clip(-1, 1)
    write_wav(tmp_path / "a.wav", signal, rate=rate)
    bands = front_end_module.mel_bands(tmp_path / "a.wav", front_end)
    expected = mel_oracle.mel_bands(pcm(signal), **settings)
    assert bands.dtype == np.float32
    assert bands.shape == expected.shape
    assert relative_error(bands, expected) < TOLERANCE_OF_NARROW_BANDS
    compressed, c = normalisation.compress(bands, front_end.compression), front_end.compression
    logarithms = expected if c is None else np.log(1 + c * expected)
    assert relative_error(compressed, logarithms) < OF_THEIR_LOGARITHMS


@pytest.mark.parametrize("name", FRONT_ENDS)
def test_silence_is_judged_by_the_same_windows_and_bands(name):
    """The NumPy window and triangles of `silence` against those of the oracle and Essentia."""
    front_end = FRONT_ENDS[name]
    own = windows.window(front_end.window, front_end.frame_size)
    assert np.abs(own - mel_oracle.window(**front_end.settings)).max() < 1e-12
    ones = np.ones(front_end.frame_size, np.float32)
    theirs = essentia.Windowing(type=front_end.window, zeroPhase=False)(ones)
    assert np.abs(own - theirs).max() < 1e-5 * own.max()
    triangles = mel_scale.triangles(front_end)
    weights = triangles / triangles.sum(axis=1, keepdims=True)
    assert np.abs(weights - mel_oracle.filters(**front_end.settings)).max() < 1e-9
    assert np.abs(weights - front_end_module.band_weights(front_end)).max() < 1e-4


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


def essentias_own(audio, front_end=PAPERS):
    """Mel bands by the loop over frames in Essentia's documentation."""
    rate, size = front_end.sample_rate, front_end.frame_size
    window = essentia.Windowing(type=front_end.window)
    spectrum = essentia.Spectrum(size=size)
    bands = essentia.MelBands(
        numberBands=front_end.n_bands,
        sampleRate=rate,
        inputSize=size // 2 + 1,
        lowFrequencyBound=front_end.min_frequency,
        highFrequencyBound=front_end.max_frequency,
    )
    sound = essentia.MonoLoader(filename=str(audio), sampleRate=rate)()
    frames = essentia.FrameGenerator(sound, frameSize=size, hopSize=front_end.hop_size)
    return np.array([bands(spectrum(window(frame))) for frame in frames])


@pytest.mark.parametrize("at_once", [60, 2])
def test_bands_equal_essentias_bit_for_bit(tmp_path, monkeypatch, at_once):
    """For tracks shorter and longer than AT_ONCE."""
    monkeypatch.setattr(front_end_module, "AT_ONCE", at_once)
    for path, signal, rate, subtype in files(tmp_path):
        soundfile.write(path, signal, rate, subtype)
        bands, expected = mel_bands(path), essentias_own(path)
        assert bands.shape == expected.shape, path.name
        assert bands.tobytes() == expected.tobytes(), path.name


@pytest.mark.parametrize("name", FRONT_ENDS)
@pytest.mark.parametrize("at_once", [60, 0.5])
def test_bands_of_other_front_ends_equal_essentias_bit_for_bit(
    tmp_path, monkeypatch, name, at_once
):
    """Also of files at another sampling rate, and of all lengths around a whole number of hops."""
    monkeypatch.setattr(front_end_module, "AT_ONCE", at_once)
    front_end = FRONT_ENDS[name]
    rng = np.random.default_rng(0)
    hops = 20 * front_end.hop_size
    rate = front_end.sample_rate
    for samples, own in (
        (44100, 44100),
        (hops - 1, rate),
        (hops, rate),
        (hops + 1, rate),
        (99, rate),
    ):
        soundfile.write(tmp_path / "a.wav", 0.1 * rng.standard_normal(samples), own, "FLOAT")
        bands = front_end_module.mel_bands(tmp_path / "a.wav", front_end)
        expected = essentias_own(tmp_path / "a.wav", front_end)
        assert bands.shape == expected.shape, samples
        assert bands.tobytes() == expected.tobytes(), samples


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
