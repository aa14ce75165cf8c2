"""Auralisation of filters: sounds and filters with known results."""

import io

import numpy as np
import pytest
import soundfile

from tests.conftest import short_network, write_wav
from tests.front_ends import FRONT_ENDS
from tests.papers import PAPERS
from workflow_scripts.audio import excerpts, mel_scale, resynthesis
from workflow_scripts.audio.decoding import NotAudioError
from workflow_scripts.interpretation.auralisation import passed, place
from workflow_scripts.networks.architecture import Network

RATE, HOP, N_FRAMES = 44100, 1024, 80
TIME = np.arange(N_FRAMES * HOP) / RATE

TIME_TRUNK = short_network({"time": ((1, 60), (40, 1), 2)}).trunks["time"]


def level(sound, hertz):
    """The level of a frequency in the middle of a sound, in decibels."""
    middle = sound[len(sound) // 4 : -len(sound) // 4]
    wave = np.exp(-2j * np.pi * hertz * np.arange(len(middle)) / RATE) * np.hanning(len(middle))
    return 20 * np.log10(np.abs(wave @ middle) + 1e-9)


class TestResynthesis:
    def test_a_gain_of_1_returns_the_sound(self):
        sound = np.random.default_rng(0).standard_normal(len(TIME)).astype(np.float32)
        again = resynthesis.apply_gain(sound, np.ones((40, N_FRAMES)), PAPERS)
        # float32 has a relative precision of 1e-7.
        assert np.abs(again - sound).max() < 1e-5

    def test_only_tones_in_the_passed_bands_remain(self):
        sound = np.sin(2 * np.pi * 440 * TIME) + np.sin(2 * np.pi * 4000 * TIME)
        centres = mel_scale.centres(PAPERS)
        gain = np.zeros((40, N_FRAMES))
        gain[np.abs(centres - 440) < 300] = 1
        again = resynthesis.apply_gain(sound.astype(np.float32), gain, PAPERS)
        assert abs(level(again, 440) - level(sound, 440)) < 0.1
        assert level(again, 4000) < level(sound, 4000) - 40

    def test_a_gain_applies_to_the_time_of_its_frame(self):
        sound = np.sin(2 * np.pi * 440 * TIME).astype(np.float32)
        gain = np.ones((40, N_FRAMES))
        gain[:, 40:] = 0
        again = resynthesis.apply_gain(sound, gain, PAPERS)
        # The window spans two hops, so frames next to the change are mixed.
        assert np.abs(again[: 38 * HOP] - sound[: 38 * HOP]).max() < 1e-4
        assert np.abs(again[42 * HOP :]).max() < 1e-4


class TestSegmentSamples:
    def click(self, path, sample, n=5 * RATE):
        sound = np.zeros(n)
        sound[sample] = 1
        write_wav(path, sound)
        return path

    def test_a_click_at_the_centre_of_a_frame_is_in_the_middle_of_its_hop(self, tmp_path):
        path = self.click(tmp_path / "click.wav", 103 * HOP)
        samples = resynthesis.segment_samples(path, 100, N_FRAMES, PAPERS)
        assert len(samples) == N_FRAMES * HOP
        assert samples.argmax() == 3 * HOP + HOP // 2

    def test_is_silent_before_and_after_the_recording(self, tmp_path):
        path = self.click(tmp_path / "click.wav", 0)
        samples = resynthesis.segment_samples(path, 0, N_FRAMES, PAPERS)
        assert samples.argmax() == HOP // 2 and (samples[: HOP // 2] == 0).all()
        short = self.click(tmp_path / "short.wav", 10, n=HOP)
        samples = resynthesis.segment_samples(short, 0, 2, PAPERS)
        assert len(samples) == 2 * HOP and (samples[HOP // 2 + HOP :] == 0).all()

    def test_a_missing_file_raises(self, tmp_path):
        with pytest.raises(NotAudioError, match="is missing"):
            resynthesis.segment_samples(tmp_path / "gone.wav", 0, 80, PAPERS)


class TestExcerpts:
    @pytest.mark.parametrize(("seconds", "expected"), [(14, 10), (3, 3)])
    def test_an_opening_is_an_mp3_of_at_most_ten_seconds(self, tmp_path, seconds, expected):
        time = np.arange(seconds * RATE) / RATE
        write_wav(tmp_path / "tone.wav", 0.5 * np.sin(2 * np.pi * 440 * time))
        mp3 = excerpts.opening(tmp_path / "tone.wav")
        sound, rate = soundfile.read(io.BytesIO(mp3))
        # An MP3 has complete frames of 576 samples and silence before the first.
        assert len(sound) / rate == pytest.approx(expected, abs=0.1)
        spectrum = np.abs(np.fft.rfft(sound))
        assert spectrum.argmax() * rate / len(sound) == pytest.approx(440, abs=1)
        assert len(mp3) < 8000 * expected

    def test_starts_and_ends_without_a_click(self):
        tone = 0.5 * np.cos(2 * np.pi * 1000 * TIME)
        sound, _ = soundfile.read(io.BytesIO(excerpts.mp3(tone, RATE)))
        assert len(sound) == len(TIME)
        # The ends are 0.15 or more without fades and 0.01 or less with fades.
        assert np.abs(sound[[0, -1]]).max() < 0.03
        # Between the fades, MP3 compression changes the tone by up to 0.06.
        middle = slice(RATE // 100, -RATE // 100)
        assert np.abs(sound[middle] - tone[middle]).max() < 0.1

    def test_an_unreadable_file_raises(self, tmp_path):
        with pytest.raises(NotAudioError, match="is missing"):
            excerpts.opening(tmp_path / "gone.wav")
        (tmp_path / "text.wav").write_text("no audio\n" * 1000)
        with pytest.raises(NotAudioError, match="cannot be decoded"):
            excerpts.opening(tmp_path / "text.wav")


class TestPassed:
    def weights(self, trunk, weight, bias=0.0):
        bias = np.array([0.0, bias], np.float32)
        filters = np.stack([np.zeros_like(weight), weight]).astype(np.float32)
        return {f"{trunk}.weight": filters, f"{trunk}.bias": bias}

    def test_a_comb_passes_matching_pulses_in_their_band(self):
        segment = np.zeros((40, 80), np.float32)
        segment[7, 5:80:20] = 1
        comb = np.zeros((1, 60))
        comb[0, ::20] = 1
        comb -= 0.1 * (comb == 0)
        gain = passed(segment, self.weights("time", comb), "time", TIME_TRUNK, 1)
        # The comb has three teeth; placed on the fourth pulse, it would exceed the segment.
        assert gain[7, [5, 25, 45, 65]].tolist() == [1, 1, 1, 0]
        # Negative weights pass nothing.
        others = np.setdiff1d(np.arange(80), [5, 25, 45])
        assert gain.max() == 1 and gain.min() == 0
        assert (gain[7, others] < 1).all() and (gain[:7] <= gain[7]).all()

    def test_only_the_maximum_of_each_pool_field_counts(self):
        segment = np.zeros((40, 80), np.float32)
        segment[10, 30], segment[10, 40], segment[5, 50] = 2, 1, 1
        line = np.zeros((32, 1))
        line[3] = 1
        trunk = short_network({"frequency": ((32, 1), (1, 80), 2)}).trunks["frequency"]
        gain = passed(segment, self.weights("frequency", line), "frequency", trunk, 1)
        # Two rows of the map match: one with band 10 at the filter's line, one with band 5.
        assert gain[10, 30] == 1 and gain[5, 50] == 0.5
        assert gain.sum() == 1.5, "the pool drops the weaker match in band 10"

    def test_a_filter_without_a_match_passes_nothing(self):
        segment = np.zeros((40, 80), np.float32)
        weights = self.weights("time", np.ones((1, 60)), bias=-1)
        assert not passed(segment, weights, "time", TIME_TRUNK, 1).any()

    def test_padding_moves_no_match(self):
        segment = np.zeros((40, 80), np.float32)
        segment[10, 2] = 1
        layer = {"convolution": [1, 9], "n_filters": 2, "padding": "time"}
        description = {"input_frames": 80, "trunks": {"time": {"layers": [layer]}}, "hidden": 0}
        trunk = Network.from_config(description, 40, 3).trunks["time"]
        line = np.zeros((1, 9))
        line[0, 4] = 1
        gain = passed(segment, self.weights("time", line), "time", trunk, 1)
        assert gain[10, 2] == gain.sum() == 1
        assert place(segment, self.weights("time", line), "time", trunk, 1) == (10, -2)


@pytest.mark.parametrize(
    ("rate", "expected"), [(16000, 16000), (10000, 11025), (12345, 16000), (192000, 48000)]
)
def test_a_sound_of_any_sampling_rate_is_an_mp3(rate, expected):
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(2 * rate) / rate)
    samples, stored = soundfile.read(io.BytesIO(excerpts.mp3(tone, rate)))
    assert stored == expected
    assert len(samples) / stored == pytest.approx(2, abs=0.1)
    spectrum = np.abs(np.fft.rfft(samples[:stored]))
    assert spectrum.argmax() == pytest.approx(440, abs=1)


@pytest.mark.parametrize("front_end", FRONT_ENDS.values(), ids=FRONT_ENDS)
class TestOtherFrontEnds:
    n_frames = 60

    def sound(self, front_end, *hertz):
        """Tones, as long as a segment."""
        time = np.arange(self.n_frames * front_end.hop_size) / front_end.sample_rate
        tones = [np.sin(2 * np.pi * own * time) for own in hertz]
        return np.sum(tones, axis=0).astype(np.float32)

    def test_a_gain_of_1_returns_what_the_bands_see(self, front_end):
        hertz = (300, 0.9 * front_end.max_frequency)
        sound = self.sound(front_end, *hertz)
        gain = np.ones((front_end.n_bands, self.n_frames))
        again = resynthesis.apply_gain(sound, gain, front_end)
        whole = (
            front_end.min_frequency == 0 and front_end.max_frequency == front_end.sample_rate / 2
        )
        middle = slice(len(sound) // 4, -len(sound) // 4)
        # The edges of a range fade over the width of the window.
        tolerance = 1e-5 if whole else 0.05
        assert np.abs(again - sound)[middle].max() < tolerance

    def test_no_gain_is_silence(self, front_end):
        gain = np.zeros((front_end.n_bands, self.n_frames))
        assert not resynthesis.apply_gain(self.sound(front_end, 500), gain, front_end).any()

    def test_a_segment_is_as_long_as_its_frames(self, tmp_path, front_end):
        """And a click in the middle of a frame is in the middle of its hop."""
        hop, rate = front_end.hop_size, front_end.sample_rate
        sound = np.zeros(5 * rate)
        sound[13 * hop] = 1
        write_wav(tmp_path / "click.wav", sound, rate=rate)
        samples = resynthesis.segment_samples(tmp_path / "click.wav", 10, 6, front_end)
        assert len(samples) == 6 * hop
        assert samples.argmax() == 3 * hop + hop // 2
