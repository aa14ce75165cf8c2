"""Which frames are silent: digital silence, dither and constant offsets, but no quiet music."""

import numpy as np
import pytest
import soundfile

from tests import mel_oracle
from tests.conftest import ROOT, clicks
from tests.front_ends import FRONT_ENDS
from tests.papers import EDGE, SHORTEST, in_silence, is_silent, mel_bands, silent_frames
from workflow_scripts.audio import front_end as front_end_module
from workflow_scripts.audio import silence
from workflow_scripts.audio.parameters import SILENCE
from workflow_scripts.audio.silence import OFFSET_LEAK, runs

GROOVE = ROOT.parent / "shared" / "data" / "groove"
SECONDS = 2
TIME = np.arange(SECONDS * 44100) / 44100


def energies(folder, samples, rate=44100, subtype="FLOAT", name="a.wav"):
    soundfile.write(folder / name, samples, rate, subtype=subtype)
    return mel_bands(folder / name)


def level(decibels):
    return 10 ** (decibels / 20)


def dither(shaped):
    """Silence as 16 bits with triangular dither, in whole steps; shaped as by Lipshitz 1991."""
    rng = np.random.default_rng(0)
    noise = rng.random(len(TIME)) - rng.random(len(TIME))
    if not shaped:
        return np.round(noise) / 32768
    taps, errors = np.array([2.033, -2.165, 1.959, -1.590, 0.6149]), np.zeros(5)
    values = np.empty(len(TIME))
    for n in range(len(TIME)):
        wanted = -(taps @ errors)
        values[n] = np.round(wanted + noise[n])
        errors = np.concatenate([[values[n] - wanted], errors[:-1]])
    return values / 32768


class TestSilence:
    @pytest.mark.parametrize("shaped", [False, True])
    def test_dither_is_silent(self, tmp_path, shaped):
        found = energies(tmp_path, dither(shaped), subtype="PCM_16")
        assert found.max() > 0 and is_silent(found)

    @pytest.mark.parametrize("rate", [8000, 22050, 44100, 48000, 96000])
    @pytest.mark.parametrize("offset", [0, 0.5, -0.003, 1])
    def test_a_constant_is_silent_at_any_sampling_rate(self, tmp_path, rate, offset):
        assert is_silent(energies(tmp_path, np.full(SECONDS * rate, float(offset)), rate))

    @pytest.mark.parametrize("subtype", ["PCM_U8", "ULAW", "ALAW", "PCM_16", "PCM_24"])
    def test_silence_of_codecs_is_silent(self, tmp_path, subtype):
        """A-law has no zero: its silence is a constant."""
        assert is_silent(energies(tmp_path, np.zeros(len(TIME)), subtype=subtype))

    def test_a_constant_is_silent_as_mp3(self, tmp_path):
        soundfile.write(tmp_path / "a.mp3", np.full(len(TIME), 0.5), 44100)
        assert is_silent(mel_bands(tmp_path / "a.mp3"))

    @pytest.mark.parametrize("bits", [16, 24])
    def test_an_offset_with_dither_is_silent(self, tmp_path, bits):
        assert is_silent(energies(tmp_path, 0.5 + dither(False), subtype=f"PCM_{bits}"))


class TestSound:
    """The last frame has only a few samples of the file."""

    @pytest.mark.parametrize(
        ("hertz", "decibels"), [(100, -85), (440, -85), (1000, -85), (5000, -80), (15000, -75)]
    )
    def test_a_quiet_tone_is_sound(self, tmp_path, hertz, decibels):
        """High bands are wide: a tone has a smaller part in their mean."""
        found = energies(tmp_path, level(decibels) * np.sin(2 * np.pi * hertz * TIME))
        assert not silent_frames(found)[:-1].any()

    @pytest.mark.parametrize("hertz", [30, 40, 50, 60])
    def test_a_sub_bass_alone_is_sound(self, tmp_path, hertz):
        """It has little energy outside the lowest band."""
        found = energies(tmp_path, level(-50) * np.sin(2 * np.pi * hertz * TIME))
        assert not silent_frames(found)[:-1].any()

    def test_a_bass_drum_alone_is_sound(self, tmp_path):
        drum = np.sin(2 * np.pi * 45 * TIME) * np.exp(-8 * (TIME % 0.5))
        for decibels in (0, -20, -40):
            assert not in_silence(energies(tmp_path, level(decibels) * drum)).any(), decibels

    def test_quiet_music_over_an_offset_is_sound(self, tmp_path):
        music = level(-50) * clicks(np.random.default_rng(0), 120, SECONDS)
        for offset in (0, 0.5, -0.9):
            assert not in_silence(energies(tmp_path, offset + music)).any()

    @pytest.mark.skipif(not GROOVE.is_dir(), reason="needs the recordings")
    def test_no_second_of_recorded_drums_is_silence(self):
        """Also at -40 dB. Drums stop between strokes, so this is the hardest music."""
        recordings = sorted(GROOVE.rglob("*.ogg"))[::24]
        assert recordings
        for recording in recordings:
            found = mel_bands(recording)
            # The energies of the same recording with less gain.
            quiet = in_silence(1e-4 * found)
            loud = in_silence(found)
            assert not loud.any() and quiet.mean() < 0.05, recording


@pytest.mark.parametrize("front_end", FRONT_ENDS.values(), ids=FRONT_ENDS)
class TestOtherFrontEnds:
    def energies(self, folder, samples, front_end, rate=44100, subtype="FLOAT"):
        soundfile.write(folder / "a.wav", samples, rate, subtype=subtype)
        return front_end_module.mel_bands(folder / "a.wav", front_end)

    def test_dither_and_offsets_are_silent(self, tmp_path, front_end):
        files = [(dither(shaped), 44100, "PCM_16") for shaped in (False, True)]
        files += [
            (np.full(SECONDS * rate, offset), rate, "FLOAT")
            for rate in (8000, 44100, 48000)
            for offset in (0.0, 0.5, -0.003, 1.0)
        ]
        files += [(0.5 + dither(False), 44100, "PCM_16"), (np.zeros(len(TIME)), 44100, "ALAW")]
        for samples, rate, subtype in files:
            found = self.energies(tmp_path, samples, front_end, rate, subtype)
            assert silence.is_silent(found, front_end), (samples[:3], rate, subtype)

    def test_a_constant_is_silent_as_mp3(self, tmp_path, front_end):
        soundfile.write(tmp_path / "a.mp3", np.full(len(TIME), 0.5), 44100)
        found = front_end_module.mel_bands(tmp_path / "a.mp3", front_end)
        assert silence.is_silent(found, front_end)

    def test_quiet_music_is_sound_over_an_offset_too(self, tmp_path, front_end):
        music = level(-40) * clicks(np.random.default_rng(0), 120, SECONDS)
        for offset in (0, 0.5, -0.9):
            found = self.energies(tmp_path, offset + music, front_end)
            assert not silence.in_silence(found, front_end).any(), offset

    def test_a_quiet_tone_is_sound(self, tmp_path, front_end):
        found = self.energies(tmp_path, level(-70) * np.sin(2 * np.pi * 1000 * TIME), front_end)
        edge = silence.rule(front_end).edge
        assert not silence.silent_frames(found, front_end)[:-edge].any()

    def test_the_shortest_silence_is_a_second(self, front_end):
        shortest = silence.rule(front_end).shortest
        assert shortest == pytest.approx(front_end.frame_rate, abs=0.5)
        frames = np.ones((4 * shortest, front_end.n_bands))
        frames[shortest : 2 * shortest - 1] = 0
        frames[-shortest - 20 : -20] = 0
        expected = [[3 * shortest - 20, 4 * shortest - 20]]
        assert runs(silence.in_silence(frames, front_end)).tolist() == expected

    def test_a_constant_leaks_less_than_the_rule_allows(self, front_end):
        """At full scale and below, computed in float64 by the oracle."""
        spectrum = np.abs(np.fft.rfft(mel_oracle.window(**front_end.settings))) ** 2
        constant = mel_oracle.filters(**front_end.settings) @ spectrum
        for amplitude in (1, 0.1, 1e-3):
            assert silence.silent_frames(amplitude**2 * constant[np.newaxis], front_end).all()

    def test_the_level_ignores_what_a_constant_fills(self, front_end):
        filled = silence.n_filled(front_end)
        spectrum = np.abs(np.fft.rfft(mel_oracle.window(**front_end.settings))) ** 2
        constant = mel_oracle.filters(**front_end.settings) @ spectrum
        assert (constant[:filled] > 0).all() and constant[filled:].max() < silence.FILLED


class TestRule:
    def test_a_constant_leaks_at_most_this_share(self):
        """Computed in float64: the window of Essentia is not quite zero at far bins."""
        spectrum = np.abs(np.fft.rfft(mel_oracle.window())) ** 2
        bands = mel_oracle.filters() @ spectrum
        assert bands[1:].max() < OFFSET_LEAK * bands[0] < 2 * bands[1:].max()

    def test_a_tone_of_20_hz_leaks_much_more(self, tmp_path):
        found = energies(tmp_path, np.sin(2 * np.pi * 20 * TIME))[50]
        assert found[1] / found[0] > 1e4 * OFFSET_LEAK

    def test_the_ends_are_as_the_frames_beside_them(self):
        sound = np.full((100, 40), 1.0)
        click = np.zeros((100, 40))
        click[[0, EDGE - 1, -1, -EDGE]] = 1
        assert is_silent(click) and not silent_frames(sound).any()
        click[EDGE] = 1
        assert np.flatnonzero(~silent_frames(click)).tolist() == [0, EDGE - 1, EDGE]

    def test_a_short_track_has_no_ends(self):
        click = np.zeros((2 * EDGE, 40))
        click[0] = 1
        assert (~silent_frames(click)).sum() == 1

    def test_the_threshold_is_that_of_the_loudest_band(self):
        frames = np.zeros((50, 40), np.float32)
        frames[20, 7], frames[30, 7] = 0.99 * SILENCE, 1.01 * SILENCE
        assert np.flatnonzero(~silent_frames(frames)).tolist() == [30]

    def test_a_pause_of_less_than_a_second_is_no_silence(self):
        frames = np.ones((300, 40))
        frames[50 : 50 + SHORTEST - 1] = 0
        frames[150 : 150 + SHORTEST] = 0
        assert runs(in_silence(frames)).tolist() == [[150, 150 + SHORTEST]]


def test_runs():
    assert runs(np.array([], bool)).tolist() == []
    assert runs(np.zeros(3, bool)).tolist() == []
    assert runs(np.ones(3, bool)).tolist() == [[0, 3]]
    assert runs(np.array([1, 0, 0, 1, 1, 0, 1], bool)).tolist() == [[0, 1], [3, 5], [6, 7]]
