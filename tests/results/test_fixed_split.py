"""Statistics of a fixed split, against SciPy and values computed by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.conftest import network_of
from workflow_scripts.dataset import split
from workflow_scripts.results import (
    comparison,
    comparison_notes,
    fixed_split,
    notes,
    sweep_table,
    table1,
)
from workflow_scripts.results.seed_notes import of_first_seed_only, repetitions


@pytest.mark.parametrize(("correct", "n"), [(0, 5), (5, 5), (1, 3), (40, 50), (913, 1000)])
def test_the_interval_is_that_of_scipy(correct, n):
    expected = stats.binomtest(correct, n).proportion_ci(0.95, method="wilson")
    found = fixed_split.interval(100 * correct / n, n)
    assert found == pytest.approx((100 * expected.low, 100 * expected.high), abs=1e-9)


def test_a_difference_of_one_model_each_is_mcnemar_s():
    # Only the first is correct on 9 tracks, only the second on 2: 2 P(X <= 2), X ~ B(11, 0.5).
    first = np.array([1] * 9 + [0] * 2 + [1] * 20 + [0] * 5, float)
    second = np.array([0] * 9 + [1] * 2 + [1] * 20 + [0] * 5, float)
    p, half_width = fixed_split.difference(first, second)
    assert p == pytest.approx(2 * (1 + 11 + 55) / 2**11)
    interval = stats.ttest_rel(first, second).confidence_interval(0.95)
    assert half_width == pytest.approx(100 * (interval.high - interval.low) / 2)
    assert fixed_split.difference(second, first)[0] == p


def test_a_track_counts_once_whatever_the_number_of_seeds():
    once = fixed_split.difference(np.array([1.0, 1.0, 1.0]), np.zeros(3))[0]
    assert fixed_split.difference(np.array([1.0, 2 / 3, 1 / 3]), np.zeros(3))[0] == once == 0.25


def test_equal_predictions_do_not_differ():
    assert fixed_split.difference(np.ones(4), np.ones(4)) == (1, 0)
    p, half_width = fixed_split.difference(np.ones(1), np.zeros(1))
    assert p == 1 and np.isnan(half_width)


def predicted(marks):
    """The predictions of a model; a 1 is a correct one."""
    return pd.DataFrame(
        {
            "track_id": [f"t{n}" for n in range(len(marks))],
            "label": "a",
            "predicted": ["a" if mark == "1" else "b" for mark in marks],
            "n_segments": 1,
            "votes_a": [int(mark) for mark in marks],
        }
    )


def test_pairs_of_a_fixed_split_are_compared_over_tracks():
    # Of two seeds: the first is better at t0 and t1, worse at none.
    models = {"x": ["1110", "1100"], "y": ["0110", "0000"]}
    tables = {name: [predicted(marks) for marks in own] for name, own in models.items()}
    row = comparison.pairs(tables, None).iloc[0]
    assert row["p"] == row["p_holm"] == 0.5
    assert row["difference"] == pytest.approx(100 * (5 - 2) / 8)
    assert (row["only_first"], row["only_second"]) == (3, 0)
    assert comparison.pairs({"x": tables["x"]}, None).empty


class TestTable:
    baselines = pd.DataFrame({"baseline": [], "fold": [], "accuracy": []})

    def row(self, network, *models):
        about = {"architecture": "Time"}
        return table1.row(
            "time_1x60", about, network, [*map(predicted, models)], self.baselines, len(models)
        )

    @pytest.fixture
    def network(self):
        return network_of("time_1x60")

    def test_one_model_has_an_interval_and_no_deviation(self, network):
        row = self.row(network, "1110")
        assert row["accuracy_mean"] == 75 and row["n_folds"] == 1
        assert (row["accuracy_low"], row["accuracy_high"]) == fixed_split.interval(75, 4)
        assert np.isnan([row["accuracy_std"], row["segment_accuracy_std"]]).all()
        shown = table1.for_people(pd.DataFrame([row])).iloc[0]
        assert shown["Accuracy"] == "75.00" and shown["95 % interval"] == "30.06 to 95.44"

    def test_models_of_seeds_have_a_deviation_over_seeds(self, network):
        row = self.row(network, "1110", "1000")
        assert row["accuracy_mean"] == 50
        assert row["accuracy_std"] == row["accuracy_std_seeds"] == 25
        assert (row["accuracy_low"], row["accuracy_high"]) == fixed_split.interval(50, 4)
        shown = table1.for_people(pd.DataFrame([row])).iloc[0]
        assert shown["Accuracy"] == "50.00 ± 25.00" and shown["Between seeds"] == "25.00"


def test_folds_have_no_interval():
    table = TestTable()
    row = table1.row(
        "x",
        {"architecture": "Time"},
        network_of("time_1x60"),
        [predicted("10")] * 3,
        table.baselines,
    )
    assert "accuracy_low" not in row and row["accuracy_std"] == 0


class TestNotes:
    @pytest.fixture
    def tracks(self):
        table = pd.DataFrame({"label": [*"aabbbb"], "track_id": [*"uvwxyz"], "digest": [*"uvwxyz"]})
        return split.Tracks.of(table, np.array([1, 2, 0, 0, 1, 2]), is_fixed=True)

    def test_the_legend_says_what_the_numbers_are(self, tracks):
        assert notes.legend(tracks).startswith("Accuracy: % of the 2 test tracks of a fixed split,")
        assert "folds" not in notes.legend(tracks)
        assert notes.legend(tracks, 3).endswith("deviation over 3 seeds.")

    def test_what_one_split_does_not_show(self, tracks):
        assert notes.one_split(tracks, 1) == (
            "One split, so no spread over folds: intervals and tests are over its 2 test tracks "
            "and for these models. They say nothing of other splits, nor of other trainings; "
            "several seeds show those."
        )
        assert notes.one_split(tracks, 2).endswith("They say nothing of other splits.")

    def test_few_test_tracks(self, tracks):
        assert comparison_notes.few_test_tracks(tracks) == (
            "The split tests only 2 tracks: one track is worth 50.0 points of the accuracy."
        )

    def test_chance_is_that_of_the_test_tracks(self, tracks):
        """All are of one class here: always predicting it is correct for all of them."""
        table = pd.DataFrame({"track_id": [2, 3], "label": [1, 1], "predicted": [1, 1]})
        chance = comparison_notes.against_chance("x", {"x": [table]}, tracks)
        assert (chance.accuracy, chance.constant, chance.p) == (100, 100, 1)

    def test_repetitions(self):
        assert repetitions(1, 3) == "3 seeds" and repetitions(1, 1) == "one split"
        assert "on the same split" in of_first_seed_only([5, 7], is_fixed=True)


def test_the_rows_of_a_sweep_are_compared_by_the_pairs():
    tables = {name: [predicted(marks)] for name, marks in {"x": "111111", "y": "000000"}.items()}
    sweep = {"s": {"base": "x", "key": "hidden", "rows": {"x": 1, "y": 2}}}
    rows = sweep_table.table(
        sweep,
        {"x": [100.0], "y": [0.0]},
        n_seeds=1,
        test_share=None,
        n_test=6,
        pairs=comparison.pairs(tables, None),
        unconverged=(),
    )
    assert rows["p_best"].tolist()[1] == pytest.approx(2 / 2**6)
    assert rows[["low", "high"]].to_numpy().tolist()[0] == pytest.approx(
        fixed_split.interval(100, 6)
    )
    assert rows["half_width"].isna().all() and rows["accuracy_std"].isna().all()
