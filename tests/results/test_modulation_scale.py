"""The modulation scale spectrum and the estimated tempo of signals with known results."""

import numpy as np
import pytest

from tests.conftest import clicks, write_wav
from tests.papers import FRAME_RATE
from workflow_scripts.audio.decoding import NotAudioError
from workflow_scripts.results import modulation_scale

N_BANDS = 40


def pattern(bpm, strokes, seconds=30.0, rng=None):
    """Mel energies of strokes at these eighths of a 4/4 bar, equal in all bands."""
    frames = np.arange(round(seconds * FRAME_RATE))
    eighth = 30 / bpm
    times = [(bar * 8 + s) * eighth for bar in range(200) for s in strokes]
    starts = np.array([t for t in times if t < seconds]) * FRAME_RATE
    since = frames[:, np.newaxis] - starts
    loudness = np.where(since >= 0, np.exp(-np.maximum(since, 0) / 4), 0).sum(axis=1)
    noise = 0 if rng is None else 0.01 * rng.random((len(frames), N_BANDS))
    return loudness[:, np.newaxis] * np.ones(N_BANDS) * 0.01 + 1e-4 + noise


class TestScaleTransform:
    scales = np.arange(0.0, 40.0, 0.5)

    def test_of_a_box_matches_the_integral(self):
        # The integral of t^(-1/2 - jc) from 0 to 50 is 50^(1/2 - jc) / (1/2 - jc).
        result = modulation_scale.scale_transform(np.ones((50, 1)), self.scales)[:, 0]
        exponent = 0.5 - 1j * self.scales
        assert np.allclose(result, 50**exponent / exponent / np.sqrt(2 * np.pi), rtol=1e-12)

    def test_of_an_exponential_matches_the_gamma_function(self):
        # The integral of exp(-t / a) t^(s - 1) is a^s Gamma(s); |Gamma(1/2 + jc)|^2 = pi / cosh(pi
        # c). Steps of 1 with a = 2000 cause an error of 3e-6 of the largest magnitude.
        a, scales = 2000, np.arange(0, 3, 0.25)
        values = np.exp(-(np.arange(40_000)[:, np.newaxis] + 0.5) / a)
        result = np.abs(modulation_scale.scale_transform(values, scales)[:, 0])
        expected = np.sqrt(a / (2 * np.cosh(np.pi * scales)))
        assert np.abs(result - expected).max() < 1e-5 * expected.max()

    @pytest.mark.parametrize("factor", [2, 3])
    def test_stretching_keeps_the_magnitude_but_changes_the_spectrum(self, factor):
        rng = np.random.default_rng(0)
        values = rng.standard_normal((100, 2))
        stretched = np.repeat(values, factor, axis=0)
        original = np.abs(modulation_scale.scale_transform(values, self.scales))
        result = np.abs(modulation_scale.scale_transform(stretched, self.scales))
        assert np.allclose(result, np.sqrt(factor) * original, rtol=1e-9)
        padded = np.concatenate([values, np.zeros(((factor - 1) * 100, 2))])
        spectra = [np.abs(np.fft.rfft(v, axis=0)) for v in (padded, stretched)]
        assert np.abs(spectra[0] - spectra[1]).max() > 0.5 * spectra[0].max()


class TestAutocorrelation:
    def test_matches_the_definition(self):
        series = np.random.default_rng(1).standard_normal((60, 3))
        result = modulation_scale.autocorrelation(series, 80)
        centred = series - series.mean(axis=0)
        for lag in (0, 1, 17, 59):
            expected = (centred[lag:] * centred[: 60 - lag]).sum(axis=0) / (centred**2).sum(axis=0)
            assert np.allclose(result[lag], expected)
        assert np.allclose(result[60:], 0), "lags beyond the end of a short track"

    def test_of_silence_is_zero(self):
        assert (modulation_scale.autocorrelation(np.full((50, 2), 0.3), 10) == 0).all()
        silent = modulation_scale.descriptor(np.zeros((90, N_BANDS), np.float32), FRAME_RATE)
        assert (silent == 0).all()


class TestDescriptor:
    def test_distinguishes_rhythms_at_different_tempi(self):
        rhythms = [(0, 2, 4, 6), (0, 3, 6), (0, 3, 4, 7)]
        described = {
            (number, bpm): modulation_scale.descriptor(pattern(bpm, strokes), FRAME_RATE)
            for number, strokes in enumerate(rhythms)
            for bpm in (90, 100, 110)
        }
        for (number, bpm), own in described.items():
            distance = {key: np.linalg.norm(own - d) for key, d in described.items()}
            same = [d for (n, b), d in distance.items() if n == number and b != bpm]
            other = [d for (n, _), d in distance.items() if n != number]
            assert min(same) < min(other), (number, bpm)

    def test_classifier_predicts_rhythms_at_new_tempi(self):
        rng = np.random.default_rng(2)
        train, test = np.arange(80, 140, 6), np.arange(83, 137, 6)

        def described(tempi):
            strokes = {"even": (0, 2, 4, 6), "tresillo": (0, 3, 6)}
            return [
                (modulation_scale.descriptor(pattern(bpm, s, 15, rng), FRAME_RATE), label)
                for label, s in strokes.items()
                for bpm in tempi
            ]

        train_descriptors, labels = zip(*described(train), strict=True)
        test_descriptors, expected = zip(*described(test), strict=True)
        predicted = modulation_scale.modulation_scale_spectrum(
            np.array(train_descriptors), np.array(labels), np.array(test_descriptors)
        )
        assert predicted.tolist() == list(expected)

    def test_one_class_needs_no_classifier(self):
        predicted = modulation_scale.modulation_scale_spectrum(
            np.eye(2), np.array(["a", "a"]), np.eye(2)
        )
        assert predicted.tolist() == ["a", "a"]


class TestTempo:
    @pytest.mark.parametrize("bpm", [72, 90, 120, 150])
    def test_of_clicks(self, tmp_path, bpm):
        from workflow_scripts.audio import tempo

        write_wav(tmp_path / "clicks.wav", clicks(np.random.default_rng(bpm), bpm, 20))
        estimated = tempo.bpm(tmp_path / "clicks.wav")
        # A beat tracker may find half or twice the tempo.
        assert min(abs(estimated / bpm / m - 1) for m in (0.5, 1, 2)) < 0.02

    def test_of_silence_is_none(self, tmp_path):
        from workflow_scripts.audio import tempo

        write_wav(tmp_path / "silence.wav", np.zeros(10 * 44100))
        assert tempo.bpm(tmp_path / "silence.wav") is None

    def test_of_a_file_that_is_not_audio_raises(self, tmp_path):
        from workflow_scripts.audio import tempo

        (tmp_path / "text.wav").write_text("no audio\n" * 1000)
        with pytest.raises(NotAudioError):
            tempo.bpm(tmp_path / "text.wav")
