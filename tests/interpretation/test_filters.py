"""Measurements of filters: known filters and sounds, and ablation against a full forward pass."""

import json

import numpy as np
import pandas as pd
import pytest

from tests import mel_oracle, network_oracle
from tests.conftest import biased_weights, network_of, short_network
from tests.deep_networks import DEEP
from tests.front_ends import FRONT_ENDS
from tests.papers import FRAME_RATE, PAPERS, compress
from tests.runs import DATA, finished, run_module
from tests.training_data import CLASSES, Training
from workflow_scripts.audio import mel_scale, pulses
from workflow_scripts.dataset import split
from workflow_scripts.interpretation import (
    ablation,
    activations,
    excitation,
    filters,
    spectral_filters,
    temporal_filters,
)
from workflow_scripts.networks import weights
from workflow_scripts.networks.architecture import Network
from workflow_scripts.networks.identity import ModelKey
from workflow_scripts.steps import interpret

BPM = temporal_filters.BPM
COLUMNS = [
    *("fold", "trunk", "filter", "strength", "most_affected_class", "gain", "tempo", "offset"),
    *("excited_tracks", "excited_frames", "table_checksum"),
]


class TestAblation:
    @pytest.mark.parametrize(
        "name", ["time_1x60", "frequency_32x1", "blackbox_12x8", "timefrequency", *DEEP]
    )
    def test_losses_equal_those_of_a_forward_pass_with_zeroed_filters(self, name):
        rng = np.random.default_rng(5)
        network = DEEP[name] if name in DEEP else network_of(name)
        arrays = biased_weights(network)
        segments = rng.standard_normal((7, network.bands, network.frames)).astype(np.float32)
        labels = np.array([0, 1, 1, 3, 3, 3, 4])
        outputs = activations.first_outputs(network, arrays, segments)
        losses = ablation.losses(network, arrays, outputs, labels)

        def log_probabilities(arrays):
            probabilities, _ = network_oracle.forward(network, arrays, segments)
            return np.log(probabilities[np.arange(7), labels])

        for trunk in network.trunks:
            for number in (0, len(losses[trunk]) - 1):
                zeroed = {name: array.copy() for name, array in arrays.items()}
                # Without weights and bias, the output of the filter is 0.
                zeroed[f"{trunk}.weight"][number] = zeroed[f"{trunk}.bias"][number] = 0
                loss = log_probabilities(arrays) - log_probabilities(zeroed)
                for label in (0, 1, 3, 4):
                    # The tolerance is that of float32.
                    expected = pytest.approx(loss[labels == label].mean(), abs=1e-5)
                    assert losses[trunk][number, label] == expected
                assert np.isnan(losses[trunk][number, [2, *range(5, network.n_classes)]]).all()

    def test_strength_weights_classes_equally_and_a_useless_filter_affects_no_class(self):
        losses = np.array([[3, 0, np.nan], [-1, -2, np.nan]])
        table = filters.effects(losses, ["a", "b", "c"])
        assert table["strength"].tolist() == [1.5, -1.5]
        assert table["most_affected_class"].tolist() == ["a", ""]
        assert table["gain"].tolist() == [3, -1]


def comb(bpm, n_frames):
    """A filter of three-frame pulses at a tempo."""
    frames = np.arange(n_frames)[:, np.newaxis]
    beats = np.arange(0, n_frames, 60 * FRAME_RATE / bpm)
    return np.maximum(1 - np.abs(frames - beats) / 2, 0).sum(axis=1, dtype=np.float32)[np.newaxis]


def at(values, bpm):
    """The value of a single filter at a tempo."""
    return values[0, np.flatnonzero(bpm == BPM)[0]]


@pytest.fixture(scope="module")
def pulse_test():
    return interpret.pulse_test(60, PAPERS)


class TestTemporalFilters:
    @pytest.mark.parametrize("bpm", [60, 86, 100, 120, 172, 204, 240])
    def test_a_filter_of_pulses_at_a_tempo_responds_best_to_that_tempo(self, pulse_test, bpm):
        tempo = pulse_test.tempi(pulse_test.responses(comb(bpm, 60)))
        # A filter of 1.4 s cannot resolve tempi one step apart.
        assert tempo == pytest.approx(bpm, abs=2)

    def test_responds_less_to_half_and_double_tempo(self, pulse_test):
        response = pulse_test.responses(comb(120, 60))
        for octave in (60, 240):
            assert 0 < at(response, octave) < at(response, 120)
        assert at(response, 240) > at(response, 180)

    def test_modulation_spectrum_peaks_at_the_tempo(self):
        for n_frames in (60, 200):
            spectrum = temporal_filters.modulation(comb(120, n_frames), FRAME_RATE)
            assert BPM[spectrum.argmax()] == pytest.approx(120, abs=2)

    def test_modulation_spectrum_equals_a_zero_padded_fourier_transform(self):
        filters = np.random.default_rng(1).standard_normal((3, 60))
        size = 2**16
        transform = np.fft.rfft(filters - filters.mean(axis=1, keepdims=True), size)
        bpm = np.arange(size // 2 + 1) / size * 60 * FRAME_RATE
        expected = np.stack([np.interp(BPM, bpm, np.abs(row)) for row in transform])
        # The tolerance allows for linear interpolation between bins 0.04 BPM apart.
        assert np.allclose(temporal_filters.modulation(filters, FRAME_RATE), expected, atol=1e-3)

    def test_a_constant_filter_has_no_tempo_and_no_modulation(self, pulse_test):
        constant = np.full((1, 60), 0.1, np.float32)
        assert np.isnan(pulse_test.tempi(pulse_test.responses(constant))).all()
        assert (temporal_filters.modulation(constant, FRAME_RATE) == 0).all()

    def test_one_in_twenty_noise_filters_has_a_tempo_and_no_tempo_is_preferred(self, pulse_test):
        white = np.random.default_rng(9).standard_normal((400, 62))
        noise = np.stack([np.convolve(row, [1, 2, 1], "valid") for row in white])
        responses = pulse_test.responses(noise)
        # The tolerance is four standard deviations of a share of 0.05 among 400.
        assert np.isfinite(pulse_test.tempi(responses)).mean() == pytest.approx(0.05, abs=0.045)
        assert np.abs(responses.mean(axis=0)).max() < 0.25
        best = BPM[responses.argmax(axis=1)]
        assert 0.35 < np.mean(best < 150) < 0.75, "half of the tempi are below 150"

    def test_an_untrained_filter_has_no_tempo(self, pulse_test):
        untrained = network_of("time_1x60").initial_weights(np.random.default_rng(1))
        responses = pulse_test.responses(untrained["time.weight"][:, 0])
        assert np.isnan(pulse_test.tempi(responses)).mean() > 0.9

    def test_response_does_not_depend_on_scale_and_offset_of_the_weights(self, pulse_test):
        filter_ = comb(100, 60)
        expected = pulse_test.responses(filter_)
        assert np.allclose(pulse_test.responses(-5 + 3 * filter_), expected, atol=1e-3)

    def test_a_filter_too_short_for_a_beat_has_no_tempo(self):
        # A beat at 260 BPM is 9.9 frames.
        assert [temporal_filters.holds_a_beat(n, FRAME_RATE) for n in (1, 8, 9, 10, 60)] == [
            0,
            0,
            0,
            1,
            1,
        ]

    def test_filters_over_bands_are_not_tested_with_pulses(self):
        weight = np.random.default_rng(1).standard_normal((2, 12, 200))
        tempo, responses = filters.tempi(weight, None, FRAME_RATE)
        assert np.isnan(tempo).all() and responses.shape == (0, len(BPM))
        assert np.allclose(
            filters.modulation(weight, FRAME_RATE),
            temporal_filters.modulation(weight.sum(axis=1), FRAME_RATE),
        )
        assert filters.modulation(weight[:, :, :8], FRAME_RATE).shape == (0, len(BPM))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("16 kHz, 96 bands", marks=pytest.mark.endurance),
        "44 kHz, Hamming, 128 bands",
    ],
)
def test_tempi_of_filters_with_another_front_end(name):
    """1.4 s, as the paper's 60 frames."""
    front_end = FRONT_ENDS[name]
    rate = front_end.frame_rate
    n_frames = round(1.4 * rate)
    test = interpret.pulse_test(n_frames, front_end)
    for bpm in (86, 120, 204):
        phase = np.arange(n_frames) * bpm / 60 / rate % 1
        pulses = np.exp(-30 * np.minimum(phase, 1 - phase) ** 2)[np.newaxis].astype(np.float32)
        assert test.tempi(test.responses(pulses)) == pytest.approx(bpm, abs=4)
        spectrum = temporal_filters.modulation(pulses, rate)
        assert BPM[spectrum.argmax()] == pytest.approx(bpm, abs=6)
    white = np.random.default_rng(3).standard_normal((200, n_frames))
    smooth = temporal_filters._noise(n_frames, front_end)[:200]
    assert np.isfinite(test.tempi(test.responses(smooth))).mean() < 0.12
    assert np.isfinite(test.tempi(test.responses(white))).mean() < 0.12


class TestPulses:
    @pytest.mark.parametrize("bpm", [40, 120, 260])
    def test_front_end_has_them_in_every_band_at_their_tempo(self, bpm):
        energies = compress(pulses.energies(bpm, 600, PAPERS))
        assert energies.shape == (600, 40)
        loudness = energies.mean(axis=1)
        loud = loudness > loudness.max() / 3
        starts = np.flatnonzero(loud & ~np.roll(loud, 1))
        # The position of a pulse within its frame is not known.
        assert np.abs(starts - np.arange(len(starts)) * 60 * FRAME_RATE / bpm).max() <= 1
        assert len(starts) == pytest.approx(600 / 60 / FRAME_RATE * bpm, abs=1)
        assert (energies.max(axis=0) > 10 * np.median(energies, axis=0)).all()

    def test_are_reproducible(self):
        assert np.array_equal(pulses.energies(90, 100, PAPERS), pulses.energies(90, 100, PAPERS))

    def test_use_the_full_range_without_clipping(self):
        peak = np.abs(pulses.train(240, 200_000)).max()
        assert 0.8 < peak < 1


class TestSpectralFilters:
    # Three classes: energy in bands 10 to 12, in bands 25 to 27, and silence.
    NETWORK = short_network({"frequency": ((32, 1), (1, 80), 2)}, 40, 80, 0, 3)

    @pytest.fixture
    def model(self):
        """Two filters of three bands each, the second one higher than the first."""
        weight = np.zeros((2, 32, 1), np.float32)
        weight[0, 4:7] = weight[1, 20:23] = 1
        dense = np.zeros((3, 2 * 9), np.float32)
        # The filters match bands 10 to 12 and 25 to 27 at the positions 6 and 5.
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

    def test_most_affected_class_is_the_one_with_energy_in_the_filters_bands(self, model, segments):
        outputs = activations.first_outputs(self.NETWORK, model, segments)
        losses = ablation.losses(self.NETWORK, model, outputs, np.arange(3))["frequency"]
        table = filters.effects(losses, ["low", "high", "silent"])
        assert table["most_affected_class"].tolist() == ["low", "high"]
        # The filter adds 3 - 1 = 2 to one of three scores: log softmax of (2, 0, 0) - log 1/3.
        gain = 2 - np.log(np.exp(2) + 2) + np.log(3)
        assert table["gain"].to_numpy() == pytest.approx([gain, gain], rel=1e-5)

    def test_offset_is_where_the_filter_matches(self, model, segments):
        output = activations.first_outputs(self.NETWORK, model, segments)["frequency"]
        trunk = self.NETWORK.trunks["frequency"]
        assert spectral_filters.offsets(output[:1, :1], trunk).tolist() == [6]
        assert spectral_filters.offsets(output[1:2, 1:], trunk).tolist() == [5]
        assert np.isnan(spectral_filters.offsets(output[2:], trunk)).all()

    def test_centres_of_the_bands_are_those_of_htk(self):
        points = mel_oracle.mel(mel_scale.centres(PAPERS))
        spaced = np.linspace(0, mel_oracle.mel(22050), 42)[1:-1]
        assert np.allclose(points, spaced)
        # Each band is loudest near its centre; bins are 21.5 Hz apart.
        loudest = mel_oracle.filters().argmax(axis=1) * 44100 / 2048
        assert np.abs(loudest - mel_scale.centres(PAPERS)).max() < 22


def test_most_exciting_segments_come_first_and_silence_is_ignored():
    peaks = np.array([[1, 0], [3, 0], [3, 2], [2, 0], [0, 0]])
    output = np.zeros((5, 2, 2, 3))
    output[:, :, 1, 2] = peaks
    assert [order.tolist() for order in excitation.most_exciting(output)] == [[1, 2, 3], [2]]


@pytest.fixture(scope="module")
def interpreted(tmp_path_factory):
    """The table and the arrays of untrained models with two trunks."""
    tmp_path = tmp_path_factory.mktemp("interpreted")
    data = Training(tmp_path, "timefrequency", tracks_a_class=3, n_frames=200)
    network = Network.from_config(data.network, 40, len(CLASSES))
    rng = np.random.default_rng(2)
    tracks = split.read(tmp_path / "folds.csv")
    files = [tmp_path / f"fold-{fold}.npz" for fold in range(3)]
    for fold, file in enumerate(files):
        key = ModelKey.of("timefrequency", fold, tracks)
        weights.write(file, network.initial_weights(rng), key)
    code, output = run_module(
        "steps.interpret",
        *("--features", tmp_path / "shard-0.npy", "--index", tmp_path / "shard-0.csv"),
        *("--folds", tmp_path / "folds.csv", "--scaler", tmp_path / "scaler.json"),
        *("--variant", "timefrequency", "--network", json.dumps(data.network)),
        *("--weights", *files),
        *("--filters", tmp_path / "f.csv", "--spectra", tmp_path / "f.npz"),
    )
    assert code == 0, output
    with np.load(tmp_path / "f.npz") as arrays:
        return pd.read_csv(tmp_path / "f.csv", keep_default_na=False), dict(arrays)


class TestStep:
    def test_table_has_one_row_per_filter_and_arrays_refer_to_rows(self, interpreted):
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

    def test_exciting_segments_are_from_the_folds_test_set(self, interpreted):
        table, _ = interpreted
        for fold, tracks, frames in zip(
            table["fold"], table["excited_tracks"], table["excited_frames"], strict=True
        ):
            assert {track.split("/")[1] for track in json.loads(tracks)} <= {str(fold)}
            assert set(json.loads(frames)) <= {0, 80}
            assert len(json.loads(tracks)) == len(json.loads(frames)) <= 3

    def test_many_segments_are_reduced_evenly(self):
        class Counted:
            segments = range(10)

            def of(self, rows):
                return rows.tolist()

        assert interpret.evenly(Counted(), 4) == [0, 2, 5, 7]
        assert isinstance(interpret.evenly(Counted(), 10), Counted)


@pytest.mark.endurance
def test_workflow_interprets_a_variant_on_request(again):
    target = f"{DATA}/filters/time_1x60.csv"
    table = again.folder / "workflow" / target
    before = table.read_bytes()
    table.unlink()
    assert finished(again.run("--", target)) == {"interpret": 1}
    assert table.read_bytes() == before
    assert pd.read_csv(table).columns.tolist() == COLUMNS
