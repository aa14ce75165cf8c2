"""What filters do: known filters, known sounds, and ablation against computing it all again."""

import json

import numpy as np
import pandas as pd
import pytest

from tests import mel_oracle, network_oracle
from tests.conftest import DATA, finished, network_of, run_module
from tests.training_data import CLASSES, Training
from workflow_scripts.audio import pulses
from workflow_scripts.audio.parameters import FRAME_RATE
from workflow_scripts.dataset import mel_scale
from workflow_scripts.dataset.normalisation import compress
from workflow_scripts.interpretation import (
    ablation,
    activations,
    excitation,
    filters,
    spectral_filters,
    temporal_filters,
)
from workflow_scripts.networks import weights
from workflow_scripts.networks.architecture import Network, Trunk
from workflow_scripts.steps import interpret

BPM = temporal_filters.BPM
COLUMNS = [
    *("fold", "trunk", "filter", "strength", "most_affected_class", "gain", "tempo", "offset"),
    *("excited_tracks", "excited_frames"),
]


def random_model(variant, rng):
    """A network and weights with biases."""
    network = network_of(variant)
    arrays = network.initial_weights(rng)
    biases = {
        name: rng.normal(0, 0.2, array.shape).astype(np.float32)
        for name, array in arrays.items()
        if name.endswith(".bias")
    }
    return network, arrays | biases


class TestAblation:
    @pytest.mark.parametrize(
        "variant", ["time_1x60", "frequency_32x1", "blackbox_12x8", "timefrequency"]
    )
    def test_a_filters_loss_is_that_of_a_forward_pass_with_zeroed_arrays(self, variant):
        rng = np.random.default_rng(5)
        network, arrays = random_model(variant, rng)
        segments = rng.standard_normal((7, network.bands, network.frames)).astype(np.float32)
        labels = np.array([0, 1, 1, 3, 3, 3, 7])
        outputs = activations.trunk_outputs(network, arrays, segments)
        lost = ablation.losses(network, arrays, outputs, labels)

        def log_of_the_true(arrays):
            probabilities, _ = network_oracle.forward(network, arrays, segments)
            return np.log(probabilities[np.arange(7), labels])

        for trunk in network.trunks:
            for number in (0, 5, 31):
                zeroed = {name: array.copy() for name, array in arrays.items()}
                # What sees only zeros gives zero.
                zeroed[f"{trunk}.weight"][number] = zeroed[f"{trunk}.bias"][number] = 0
                loss = log_of_the_true(arrays) - log_of_the_true(zeroed)
                for label in (0, 1, 3, 7):
                    # float32 against float64.
                    expected = pytest.approx(loss[labels == label].mean(), abs=1e-5)
                    assert lost[trunk][number, label] == expected
                assert np.isnan(lost[trunk][number, [2, 4, 5, 6]]).all()

    def test_each_class_counts_alike_and_a_useless_filter_most_affected_class_none(self):
        lost = np.array([[3, 0, np.nan], [-1, -2, np.nan]])
        table = filters.effects(lost, ["a", "b", "c"])
        assert table["strength"].tolist() == [1.5, -1.5]
        assert table["most_affected_class"].tolist() == ["a", ""]
        assert table["gain"].tolist() == [3, -1]


def comb(bpm, n_frames):
    """A filter that looks for pulses of three frames at a tempo."""
    frames = np.arange(n_frames)[:, np.newaxis]
    beats = np.arange(0, n_frames, 60 * FRAME_RATE / bpm)
    return np.maximum(1 - np.abs(frames - beats) / 2, 0).sum(axis=1, dtype=np.float32)[np.newaxis]


def at(values, bpm):
    """The value of the only filter at a tempo."""
    return values[0, np.flatnonzero(bpm == BPM)[0]]


@pytest.fixture(scope="module")
def pulse_test():
    return interpret.pulse_test(60)


class TestTemporalFilters:
    @pytest.mark.parametrize("bpm", [60, 86, 100, 120, 172, 204, 240])
    def test_a_filter_of_pulses_at_a_tempo_responds_best_to_that_tempo(self, pulse_test, bpm):
        found = pulse_test.tempi(pulse_test.responses(comb(bpm, 60)))
        # The filter lasts 1.4 s, the frames 23 ms: tempi one step apart are the same to it.
        assert found == pytest.approx(bpm, abs=2)

    def test_half_and_double_tempo_excite_it_too_but_less(self, pulse_test):
        response = pulse_test.responses(comb(120, 60))
        for octave in (60, 240):
            assert 0 < at(response, octave) < at(response, 120)
        assert at(response, 240) > at(response, 180)

    def test_its_modulation_spectrum_peaks_there(self):
        for n_frames in (60, 200):
            spectrum = temporal_filters.modulation(comb(120, n_frames))
            assert BPM[spectrum.argmax()] == pytest.approx(120, abs=2)

    def test_a_modulation_spectrum_is_a_zero_padded_fourier_transform(self):
        filters = np.random.default_rng(1).standard_normal((3, 60))
        size = 2**16
        transform = np.fft.rfft(filters - filters.mean(axis=1, keepdims=True), size)
        bpm = np.arange(size // 2 + 1) / size * 60 * FRAME_RATE
        expected = np.stack([np.interp(BPM, bpm, np.abs(row)) for row in transform])
        # Linear interpolation between bins 0.04 BPM apart.
        assert np.allclose(temporal_filters.modulation(filters), expected, atol=1e-3)

    def test_a_constant_filter_has_no_tempo_and_no_modulation(self, pulse_test):
        constant = np.full((1, 60), 0.1, np.float32)
        assert np.isnan(pulse_test.tempi(pulse_test.responses(constant))).all()
        assert (temporal_filters.modulation(constant) == 0).all()

    def test_a_filter_of_noise_has_a_tempo_one_time_in_twenty_and_prefers_none(self, pulse_test):
        white = np.random.default_rng(9).standard_normal((400, 62))
        noise = np.stack([np.convolve(row, [1, 2, 1], "valid") for row in white])
        responses = pulse_test.responses(noise)
        # Four standard deviations of a share of 0.05 of 400.
        assert np.isfinite(pulse_test.tempi(responses)).mean() == pytest.approx(0.05, abs=0.045)
        assert np.abs(responses.mean(axis=0)).max() < 0.25
        best = BPM[responses.argmax(axis=1)]
        assert 0.35 < np.mean(best < 150) < 0.75, "half of the tempi are slower"

    def test_an_untrained_filter_has_none(self, pulse_test):
        untrained = network_of("time_1x60").initial_weights(np.random.default_rng(1))
        responses = pulse_test.responses(untrained["time.weight"][:, 0])
        assert np.isnan(pulse_test.tempi(responses)).mean() > 0.9

    def test_neither_size_nor_offset_of_a_filters_weights_matters(self, pulse_test):
        one = comb(100, 60)
        expected = pulse_test.responses(one)
        assert np.allclose(pulse_test.responses(-5 + 3 * one), expected, atol=1e-3)

    def test_a_filter_too_short_for_a_beat_has_no_tempo(self):
        # A beat at 260 BPM is 9.9 frames.
        assert [temporal_filters.holds_a_beat(n) for n in (1, 8, 9, 10, 60)] == [0, 0, 0, 1, 1]

    def test_filters_over_bands_are_not_tested_with_pulses(self):
        weight = np.random.default_rng(1).standard_normal((2, 12, 200))
        tempo, responses = filters.tempi(weight, pulse_test=None)
        assert np.isnan(tempo).all() and responses.shape == (0, len(BPM))
        assert np.allclose(
            filters.modulation(weight), temporal_filters.modulation(weight.sum(axis=1))
        )
        assert filters.modulation(weight[:, :, :8]).shape == (0, len(BPM))


class TestPulses:
    @pytest.mark.parametrize("bpm", [40, 120, 260])
    def test_the_front_end_hears_them_in_every_band_at_their_tempo(self, bpm):
        heard = compress(pulses.energies(bpm, 600))
        assert heard.shape == (600, 40)
        loudness = heard.mean(axis=1)
        loud = loudness > loudness.max() / 3
        begun = np.flatnonzero(loud & ~np.roll(loud, 1))
        # A pulse falls anywhere in its frame.
        assert np.abs(begun - np.arange(len(begun)) * 60 * FRAME_RATE / bpm).max() <= 1
        assert len(begun) == pytest.approx(600 / 60 / FRAME_RATE * bpm, abs=1)
        assert (heard.max(axis=0) > 10 * np.median(heard, axis=0)).all()

    def test_they_are_the_same_each_time(self):
        assert np.array_equal(pulses.energies(90, 100), pulses.energies(90, 100))

    def test_they_are_as_loud_as_can_be_without_clipping(self):
        peak = np.abs(pulses.train(240, 200_000)).max()
        assert 0.8 < peak < 1


class TestSpectralFilters:
    # Three classes: energy in bands 10 to 12, in bands 25 to 27, in none.
    NETWORK = Network({"frequency": Trunk((32, 1), (1, 80), 2)}, 40, 80, 0, 3)

    @pytest.fixture
    def model(self):
        """The first filter looks for three neighbouring bands, the second for three far above."""
        weight = np.zeros((2, 32, 1), np.float32)
        weight[0, 4:7] = weight[1, 20:23] = 1
        dense = np.zeros((3, 2 * 9), np.float32)
        # Bands 10 to 12 and 25 to 27, 6 and 5 above the filters' lowest.
        dense[0, 6] = dense[1, 9 + 5] = 1
        return {
            "frequency.weight": weight,
            "frequency.bias": np.full(2, -1, np.float32),
            "output.weight": dense,
            "output.bias": np.zeros(3, np.float32),
        }

    @pytest.fixture
    def segments(self):
        segments = np.zeros((3, 40, 80), np.float32)
        segments[0, 10:13] = segments[1, 25:28] = 1
        return segments

    def test_a_filter_most_affected_class_the_class_that_has_energy_where_it_looks(
        self, model, segments
    ):
        outputs = activations.trunk_outputs(self.NETWORK, model, segments)
        lost = ablation.losses(self.NETWORK, model, outputs, np.arange(3))["frequency"]
        table = filters.effects(lost, ["low", "high", "silent"])
        assert table["most_affected_class"].tolist() == ["low", "high"]
        # The filter gives 3 - 1 = 2 to one of three scores: log softmax of (2, 0, 0) - log 1/3.
        gain = 2 - np.log(np.exp(2) + 2) + np.log(3)
        assert table["gain"].to_numpy() == pytest.approx([gain, gain], rel=1e-5)

    def test_it_is_active_most_where_its_bands_meet_them(self, model, segments):
        output = activations.trunk_outputs(self.NETWORK, model, segments)["frequency"]
        trunk = self.NETWORK.trunks["frequency"]
        assert spectral_filters.offsets(output[:1, :1], trunk).tolist() == [6]
        assert spectral_filters.offsets(output[1:2, 1:], trunk).tolist() == [5]
        assert np.isnan(spectral_filters.offsets(output[2:], trunk)).all()

    def test_the_bands_centres_are_htks(self):
        points = mel_oracle.mel(mel_scale.centres(40, 22050))
        spaced = np.linspace(0, mel_oracle.mel(22050), 42)[1:-1]
        assert np.allclose(points, spaced)
        # Each band is loudest near its centre; bins are 21.5 Hz apart.
        loudest = mel_oracle.filters().argmax(axis=1) * 44100 / 2048
        assert np.abs(loudest - mel_scale.centres(40, 22050)).max() < 22


def test_the_segments_that_excite_a_filter_most_come_first_and_silence_excites_none():
    peaks = np.array([[1, 0], [3, 0], [3, 2], [2, 0], [0, 0]])
    output = np.zeros((5, 2, 2, 3))
    output[:, :, 1, 2] = peaks
    assert [order.tolist() for order in excitation.most_exciting(output)] == [[1, 2, 3], [2]]


@pytest.fixture(scope="module")
def interpreted(tmp_path_factory):
    """The table and the arrays of untrained models of two trunks."""
    tmp_path = tmp_path_factory.mktemp("interpreted")
    made = Training(tmp_path, "timefrequency", tracks_a_class=3, n_frames=200)
    network = Network.from_config(made.network, 40, len(CLASSES))
    rng = np.random.default_rng(2)
    files = [tmp_path / f"fold-{fold}.npz" for fold in range(3)]
    for file in files:
        weights.write(file, network.initial_weights(rng))
    code, output = run_module(
        "steps.interpret",
        *("--features", tmp_path / "shard-0.npy", "--index", tmp_path / "shard-0.csv"),
        *("--folds", tmp_path / "folds.csv", "--scaler", tmp_path / "scaler.json"),
        *("--network", json.dumps(made.network), "--weights", *files),
        *("--filters", tmp_path / "f.csv", "--spectra", tmp_path / "f.npz"),
    )
    assert code == 0, output
    with np.load(tmp_path / "f.npz") as arrays:
        return pd.read_csv(tmp_path / "f.csv", keep_default_na=False), dict(arrays)


class TestStep:
    def test_a_row_a_filter_and_the_arrays_rows_in_their_order(self, interpreted):
        table, arrays = interpreted
        assert table.columns.tolist() == COLUMNS
        expected = [(k, t, n) for k in range(3) for t in ("time", "frequency") for n in range(32)]
        assert [*zip(table["fold"], table["trunk"], table["filter"], strict=True)] == expected
        assert set(table["most_affected_class"]) <= {*CLASSES, ""}
        temporal = np.flatnonzero(table["trunk"] == "time")
        assert arrays["responses"].shape == arrays["modulation"].shape == (96, 111)
        assert np.array_equal(arrays["response_rows"], temporal)
        assert np.array_equal(arrays["modulation_rows"], temporal)
        assert np.array_equal(arrays["bpm"], arrays["modulation_bpm"])
        assert arrays["hertz"].shape == (40,)
        best = arrays["bpm"][arrays["responses"].argmax(axis=1)]
        tempo = pd.to_numeric(table["tempo"][temporal])
        assert (tempo.isna() | (tempo == best)).all()
        assert (table["tempo"][table["trunk"] == "frequency"] == "").all()
        assert (table["offset"][temporal] == "").all()
        assert set(table["offset"][table["trunk"] == "frequency"]) <= {*map(str, range(9)), ""}

    def test_what_excites_a_filter_is_of_its_own_folds_test(self, interpreted):
        table, _ = interpreted
        for fold, tracks, frames in zip(
            table["fold"], table["excited_tracks"], table["excited_frames"], strict=True
        ):
            assert {track.split("/")[1] for track in json.loads(tracks)} <= {str(fold)}
            assert set(json.loads(frames)) <= {0, 80}
            assert len(json.loads(tracks)) == len(json.loads(frames)) <= 3

    def test_of_many_segments_some_are_taken_evenly(self):
        class Counted:
            segments = range(10)

            def of(self, rows):
                return rows.tolist()

        assert interpret.evenly(Counted(), 4) == [0, 2, 5, 7]
        assert isinstance(interpret.evenly(Counted(), 10), Counted)


@pytest.mark.slow
def test_the_workflow_interprets_a_variant_when_it_is_asked(again):
    target = f"{DATA}/filters/time_1x60.csv"
    table = again.folder / "workflow" / target
    before = table.read_bytes()
    table.unlink()
    assert finished(again.run("--", target)) == {"interpret": 1}
    assert table.read_bytes() == before
    assert pd.read_csv(table).columns.tolist() == COLUMNS
