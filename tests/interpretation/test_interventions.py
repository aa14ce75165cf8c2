"""Time stretch and pitch shift: patterns and networks with known results."""

import numpy as np
import pandas as pd
import pytest

from tests.conftest import short_network
from tests.papers import PAPERS, compress
from workflow_scripts.dataset.normalisation import Scaler
from workflow_scripts.interpretation import intervention_table, interventions
from workflow_scripts.interpretation.interventions import SHIFT, STRETCH
from workflow_scripts.networks.engine import engine_class
from workflow_scripts.steps.intervene import (
    NO_PREDICTION,
    Track,
    counts,
    predicted_classes,
    predicted_under_all,
)

N_BANDS = 40


def pulses(period, n_frames=400, bands=slice(None)):
    """Energy in every `period`-th frame."""
    energies = np.zeros((n_frames, N_BANDS), np.float32)
    energies[::period, bands] = 1
    return energies


class TestStretch:
    @pytest.mark.parametrize(("tempo", "period"), [(0.8, 25), (1.25, 16)])
    def test_the_period_of_pulses_changes(self, tempo, period):
        stretched = interventions.stretched(pulses(20), tempo)
        assert len(stretched) == int(399 / tempo) + 1
        peaks = stretched[:, 0]
        assert np.allclose(peaks[::period], 1, atol=1e-5)
        # Interpolation spreads a pulse to neighbouring frames only.
        distance = np.arange(len(peaks)) % period
        assert np.allclose(peaks[(distance > 1) & (distance < period - 1)], 0, atol=1e-5)

    def test_every_tempo_reaches_the_last_frame(self):
        track = np.arange(1000.0, dtype=np.float32)[:, np.newaxis] * np.ones(N_BANDS, np.float32)
        for intervention in interventions.interventions(40):
            if intervention.kind == STRETCH:
                stretched = intervention(track)
                assert stretched[-1, 0] > 999 - intervention.amount


class TestShift:
    def test_a_line_moves_and_free_bands_are_silent(self):
        line = pulses(1, bands=10)
        for bands in (-6, 3, 6):
            moved = interventions.shifted(line, bands)
            assert (moved[:, 10 + bands] == 1).all() and moved.sum() == line.sum()

    def test_shifting_back_restores_all_remaining_bands(self):
        energies = np.random.default_rng(0).random((30, N_BANDS)).astype(np.float32)
        back = interventions.shifted(interventions.shifted(energies, 4), -4)
        assert (back[:, :-4] == energies[:, :-4]).all() and (back[:, -4:] == 0).all()


class TestSegments:
    def test_are_contiguous_and_complete(self):
        tracks = [np.random.default_rng(n).random((n, 2)) for n in (25, 9, 10)]
        cut, source = interventions.segments(tracks, 10)
        assert source.tolist() == [0, 0, 2], "incomplete segments are dropped"
        assert (cut[1] == tracks[0][10:20]).all()


def two_tempi():
    """A Time network that separates pulses every 20 frames from pulses every 16."""
    network = short_network({"time": ((1, 60), (40, 1), 2)}, N_BANDS, 80, 0, 2)
    combs = np.zeros((2, 1, 60), np.float32)
    for filter_, period in enumerate((20, 16)):
        # Both combs have three pulses and a mean of 0.
        combs[filter_, 0, [0, period, 2 * period]] = 1
        combs[filter_] -= combs[filter_].mean()
    inputs = 21
    weights = {
        "time.weight": combs,
        "time.bias": np.zeros(2, np.float32),
        "output.weight": np.repeat(np.eye(2, dtype=np.float32), inputs, axis=1),
        "output.bias": np.zeros(2, np.float32),
    }
    return network, weights


class InMemory:
    """Tracks in memory with the interface of `Features`; `silences` are those of each, as text."""

    def __init__(self, tracks, silences=None):
        self.tracks = tracks
        self.n_frames = np.array([len(track) for track in tracks])
        self.front_end, self.n_bands = PAPERS, N_BANDS
        self.index = pd.DataFrame({"silence": silences or [""] * len(tracks)})

    def whole(self, content):
        return self.tracks[content]


class TestNetworkForTempo:
    @pytest.fixture
    def predicted(self):
        network, weights = two_tempi()
        engine = engine_class("mxnet")(network, weights, dropout=0, gpu=False)
        scaler = Scaler(0.0, float(compress(np.float32(1))))
        tracks = [pulses(20), pulses(16), pulses(20, n_frames=90)]
        return predicted_under_all(engine, scaler, InMemory(tracks), network.frames)

    def test_only_time_stretch_changes_its_predictions(self, predicted):
        under = {(i.kind, i.amount): classes.tolist() for i, classes in predicted.items()}
        assert under[STRETCH, 1.0][:2] == [0, 1]
        assert under[STRETCH, 1.2][:1] == [1], "20 frames become 16.7"
        assert under[STRETCH, 0.8][1:2] == [0], "16 become 20"
        for bands in range(-6, 7):
            assert under[SHIFT, bands][:2] == [0, 1], "all bands have the same energy"

    def test_silence_has_no_vote_at_any_tempo(self, predicted):
        """The network answers 0 for silence; two thirds of a fast track become silent."""
        network, weights = two_tempi()
        weights = weights | {"output.bias": np.array([1, 0], np.float32)}
        engine = engine_class("mxnet")(network, weights, dropout=0, gpu=False)
        fast = pulses(16, n_frames=800)
        longer = np.concatenate([fast, np.zeros((1600, N_BANDS), np.float32)])
        tracks = InMemory([fast, longer, longer], ["", "800:2400", ""])
        scaler = Scaler(0.0, float(compress(np.float32(1))))
        under = predicted_under_all(engine, scaler, tracks, network.frames)
        for intervention, (alone, left_out, counted) in under.items():
            assert left_out == alone, intervention
            assert counted == 0, "the network answers 0 for silence"

    def test_a_track_too_short_at_a_tempo_is_ignored(self, predicted):
        under = {(i.kind, i.amount): classes[2] for i, classes in predicted.items()}
        assert under[STRETCH, 1.1] != NO_PREDICTION and under[STRETCH, 1.2] == NO_PREDICTION
        table = counts(predicted, np.array(["slow", "fast", "slow"]), ["slow", "fast"])
        totals = table.groupby(["intervention", "amount"])["tracks"].sum()
        assert totals[STRETCH, 1.1] == 3 and totals[STRETCH, 1.2] == 2
        assert (totals[SHIFT] == 3).all()


def test_a_frequency_network_depends_on_the_band_unless_its_filter_is_smaller():
    """The filters of a Frequency network slide over bands; each position has its own weights."""
    scaler = Scaler(0.0, float(compress(np.float32(1))))
    unchanged = {}
    for height in (40, 30):
        network = short_network({"frequency": ((height, 1), (1, 80), 1)}, N_BANDS, 80, 0, 2)
        positions = N_BANDS - height + 1
        shape = np.full((1, height, 1), -1.0, np.float32)
        # A small filter matches band 15 at position 3, so it can move in both directions.
        shape[0, 12 if height == 30 else 15] = 3
        weights = {
            "frequency.weight": shape,
            "frequency.bias": np.zeros(1, np.float32),
            "output.weight": np.stack([np.ones(positions), np.zeros(positions)]).astype(np.float32),
            "output.bias": np.array([0, 1], np.float32),
        }
        engine = engine_class("mxnet")(network, weights, dropout=0, gpu=False)
        line = pulses(1, bands=15)
        no_silence = np.zeros(len(line), bool)
        unchanged[height] = [
            bands
            for bands in range(-6, 7)
            if predicted_classes(
                engine, scaler, [Track(interventions.shifted(line, bands), no_silence)], 80, 10_000
            )[0]
            == 0
        ]
    assert unchanged[40] == [0]
    assert unchanged[30] == [-3, -2, -1, 0, 1, 2, 3, 4, 5, 6]


def test_summary_matches_a_computation_by_hand():
    rows = [
        # intervention, amount, fold, label, unchanged, predicted, tracks
        ("shift", 2, 0, "a", "a", "a", 3),
        ("shift", 2, 0, "a", "a", "b", 1),
        ("shift", 2, 1, "b", "a", "b", 2),
        ("shift", 2, 1, "a", "b", "b", 2),
    ]
    columns = ["intervention", "amount", "fold", "label", "unchanged", "predicted", "tracks"]
    counted = pd.DataFrame(rows, columns=columns)
    (row,) = intervention_table.summary(counted).to_dict("records")
    assert row == {
        **{"intervention": "shift", "amount": 2},
        **{"accuracy_mean": 62.5, "accuracy_std": 12.5},
        **{"changed_mean": 37.5, "changed_std": 12.5},
    }
    assert intervention_table.changes(counted, "shift", 2).to_numpy().tolist() == [[3, 3], [0, 2]]
