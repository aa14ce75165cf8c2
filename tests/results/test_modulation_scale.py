"""The modulation scale spectrum and the tempo: signals whose answer is known."""

import numpy as np
import pytest

from tests.conftest import clicks, write_wav
from workflow_scripts.audio.decoding import NotAudioError
from workflow_scripts.audio.parameters import FRAME_RATE
from workflow_scripts.results import modulation_scale

N_BANDS = 40


def pattern(bpm, strokes, seconds=30.0, rng=None):
    """Mel energies of strokes at these eighths of a bar of 4/4, all bands alike."""
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

    def test_of_a_box_is_its_integral(self):
        # 1 up to t = 50: the integral of t^(-1/2 - jc) is 50^(1/2 - jc) / (1/2 - jc).
        ours = modulation_scale.scale_transform(np.ones((50, 1)), self.scales)[:, 0]
        exponent = 0.5 - 1j * self.scales
        assert np.allclose(ours, 50**exponent / exponent / np.sqrt(2 * np.pi), rtol=1e-12)

    def test_of_an_exponential_is_the_gamma_function(self):
        # The integral of exp(-t / a) t^(s - 1) is a^s Gamma(s); |Gamma(1/2 + jc)|^2 = pi / cosh(pi
        # c). Steps of one against a = 2000 leave an error of 3e-6 of the largest magnitude.
        a, scales = 2000, np.arange(0, 3, 0.25)
        values = np.exp(-(np.arange(40_000)[:, np.newaxis] + 0.5) / a)
        ours = np.abs(modulation_scale.scale_transform(values, scales)[:, 0])
        expected = np.sqrt(a / (2 * np.cosh(np.pi * scales)))
        assert np.abs(ours - expected).max() < 1e-5 * expected.max()

    @pytest.mark.parametrize("factor", [2, 3])
    def test_a_stretched_copy_has_the_same_magnitude_and_another_spectrum(self, factor):
        rng = np.random.default_rng(0)
        values = rng.standard_normal((100, 2))
        stretched = np.repeat(values, factor, axis=0)
        ours = np.abs(modulation_scale.scale_transform(values, self.scales))
        theirs = np.abs(modulation_scale.scale_transform(stretched, self.scales))
        assert np.allclose(theirs, np.sqrt(factor) * ours, rtol=1e-9)
        padded = np.concatenate([values, np.zeros(((factor - 1) * 100, 2))])
        spectra = [np.abs(np.fft.rfft(v, axis=0)) for v in (padded, stretched)]
        assert np.abs(spectra[0] - spectra[1]).max() > 0.5 * spectra[0].max()


class TestAutocorrelation:
    def test_is_the_definition(self):
        series = np.random.default_rng(1).standard_normal((60, 3))
        ours = modulation_scale.autocorrelation(series, 80)
        centred = series - series.mean(axis=0)
        for lag in (0, 1, 17, 59):
            expected = (centred[lag:] * centred[: 60 - lag]).sum(axis=0) / (centred**2).sum(axis=0)
            assert np.allclose(ours[lag], expected)
        assert np.allclose(ours[60:], 0), "beyond the end of a short track"

    def test_of_silence_is_none(self):
        assert (modulation_scale.autocorrelation(np.full((50, 2), 0.3), 10) == 0).all()
        silent = modulation_scale.descriptor(np.zeros((90, N_BANDS), np.float32), FRAME_RATE)
        assert (silent == 0).all()


class TestDescriptor:
    def test_rhythms_are_told_apart_whatever_their_tempo(self):
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

    def test_a_classifier_learns_rhythms_at_tempi_it_has_not_heard(self):
        rng = np.random.default_rng(2)
        train, test = np.arange(80, 140, 6), np.arange(83, 137, 6)

        def described(tempi):
            strokes = {"even": (0, 2, 4, 6), "tresillo": (0, 3, 6)}
            return [
                (modulation_scale.descriptor(pattern(bpm, s, 15, rng), FRAME_RATE), label)
                for label, s in strokes.items()
                for bpm in tempi
            ]

        x, labels = zip(*described(train), strict=True)
        y, expected = zip(*described(test), strict=True)
        decided = modulation_scale.modulation_scale_spectrum(
            np.array(x), np.array(labels), np.array(y)
        )
        assert decided.tolist() == list(expected)

    def test_one_class_needs_no_classifier(self):
        decided = modulation_scale.modulation_scale_spectrum(
            np.eye(2), np.array(["a", "a"]), np.eye(2)
        )
        assert decided.tolist() == ["a", "a"]


class TestTempo:
    @pytest.mark.parametrize("bpm", [72, 90, 120, 150])
    def test_of_clicks(self, tmp_path, bpm):
        from workflow_scripts.audio import tempo

        write_wav(tmp_path / "clicks.wav", clicks(np.random.default_rng(bpm), bpm, 20))
        found = tempo.bpm(tmp_path / "clicks.wav")
        # A beat tracker may take every other click, or two for one.
        assert min(abs(found / bpm / m - 1) for m in (0.5, 1, 2)) < 0.02

    def test_of_what_has_no_beat_is_none(self, tmp_path):
        from workflow_scripts.audio import tempo

        write_wav(tmp_path / "silence.wav", np.zeros(10 * 44100))
        assert tempo.bpm(tmp_path / "silence.wav") is None

    def test_of_no_audio(self, tmp_path):
        from workflow_scripts.audio import tempo

        (tmp_path / "text.wav").write_text("no audio\n" * 1000)
        with pytest.raises(NotAudioError):
            tempo.bpm(tmp_path / "text.wav")
