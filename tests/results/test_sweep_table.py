"""sweeps.csv: intervals, tests and trends against NumPy and SciPy; values of any type."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.fake_results import FakeResults
from workflow_scripts.dataset import split
from workflow_scripts.errors import UserError
from workflow_scripts.results import sweep_table
from workflow_scripts.steps import tabulate

SHARE = 1 / 8
VALUES = {"a": 8, "b": 60, "c": 78}
SWEEP = {"length": {"base": "b", "key": "trunks.time.filter.1", "rows": VALUES}}


def accuracies(means, n_folds=10, seed=0, spread=3.0):
    rng = np.random.default_rng(seed)
    return {name: list(mean + rng.normal(0, spread, n_folds)) for name, mean in means.items()}


def rows_of(own, sweeps=SWEEP, n_seeds=1, unconverged=()):
    return sweep_table.table(
        sweeps, own, n_seeds=n_seeds, test_share=SHARE, unconverged=unconverged
    )


def p_of(differences):
    """The corrected resampled t-test."""
    n = len(differences)
    error = np.sqrt((1 / n + SHARE) * np.var(differences, ddof=1))
    return 2 * stats.t.sf(abs(np.mean(differences)) / error, n - 1)


def test_a_row_has_the_mean_and_its_interval():
    own = accuracies({"a": 30, "b": 50, "c": 99})
    rows = rows_of(own, unconverged=["c"]).set_index("variant")
    assert rows["value"].tolist() == [8, 60, 78]
    assert set(rows["sweep"]) == {"length"} and set(rows["base"]) == {"b"}
    assert rows["converged"].tolist() == [True, True, False]
    for name, values in own.items():
        half = np.sqrt((1 / 10 + SHARE) * np.var(values, ddof=1)) * stats.t.ppf(0.975, 9)
        row = rows.loc[name]
        assert row["accuracy_mean"] == pytest.approx(np.mean(values))
        assert row["accuracy_std"] == pytest.approx(np.std(values))
        assert row["half_width"] == pytest.approx(half)
        assert row["low"] == pytest.approx(np.mean(values) - half)
        assert row["high"] == pytest.approx(min(np.mean(values) + half, 100))


def test_the_best_is_tested_against_each_other_row_corrected_for_all_pairs():
    own = accuracies({"a": 48, "b": 52, "c": 40})
    pairs = [*combinations(own, 2)]
    p = {pair: p_of(np.subtract(*(own[name] for name in pair))) for pair in pairs}
    adjusted, largest = {}, 0
    for rank, pair in enumerate(sorted(pairs, key=p.get)):
        largest = max(largest, min(1, p[pair] * (len(pairs) - rank)))
        adjusted[pair] = largest
    found = rows_of(own).set_index("variant")["p_best"]
    assert np.isnan(found["b"])
    assert found["a"] == pytest.approx(adjusted["a", "b"])
    assert found["c"] == pytest.approx(adjusted["b", "c"])


def test_folds_of_several_seeds_count_together():
    own = accuracies({"a": 48, "b": 52, "c": 40}, n_folds=20)
    rows = rows_of(own, n_seeds=2)
    assert set(rows["n_folds"]) == {10} and set(rows["n_seeds"]) == {2}


def test_a_sweep_of_one_row_has_no_test():
    sweep = {"length": SWEEP["length"] | {"rows": {"a": 8}}}
    rows = rows_of(accuracies({"a": 50}), sweep)
    assert np.isnan(rows["p_best"]).all() and len(rows) == 1


def test_the_trend_is_the_mean_of_the_slopes_of_the_folds():
    x = [8, 16, 30, 60, 78]
    own = [*accuracies({"a": 40, "b": 44, "c": 46, "d": 55, "e": 61}).values()]
    slopes = [np.polyfit(x, [values[fold] for values in own], 1)[0] for fold in range(10)]
    slope, p = sweep_table.trend(x, own, SHARE)
    assert slope == pytest.approx(np.mean(slopes)) and p == pytest.approx(p_of(slopes))


def test_random_curves_have_a_trend_as_often_as_the_level_says():
    """Without any effect, one of twenty tests is significant; here folds are independent."""
    rng = np.random.default_rng(3)
    found = [
        sweep_table.trend(range(6), rng.normal(50, 4, (6, 10)).tolist(), 0.0)[1] < 0.05
        for _ in range(600)
    ]
    # Three standard deviations of a proportion of 600.
    assert abs(np.mean(found) - 0.05) < 3 * np.sqrt(0.05 * 0.95 / 600)


class TestFile:
    @pytest.fixture
    def results(self, tmp_path):
        rows = {"frequency_30x1": 30, "frequency_40x1": 40}
        sweep = {"base": "frequency_30x1", "key": "trunks.frequency.filter.0", "rows": rows}
        return FakeResults(tmp_path / "fake", ["x", "y"], 18, [*rows], sweeps={"height": sweep})

    def test_the_step_writes_the_rows_of_the_table(self, results):
        tracks = split.read(results.folder / "folds.csv")
        rows = sweep_table.read(results.folder / "sweeps.csv", tracks)
        assert tuple(rows.columns) == sweep_table.COLUMNS
        table = pd.read_csv(results.folder / "table1.csv").set_index("variant")
        own = rows.set_index("variant")
        assert own["value"].to_dict() == {"frequency_30x1": 30, "frequency_40x1": 40}
        for column in ("accuracy_mean", "accuracy_std"):
            pd.testing.assert_series_equal(own[column], table[column])
        # Nine epochs are too few to show convergence.
        assert not rows["converged"].any()

    def test_a_table_of_sweeps_that_are_gone_is_removed(self, results):
        results.sweeps = {}
        tabulate.main(results.tabulate_arguments())
        assert not (results.folder / "sweeps.csv").exists()

    @pytest.mark.parametrize(
        "values",
        [[8, 60], [0.001, 1], ["none", "balanced"], [[1, 60], [4, 8]], [{"n": 1}, {"n": 2}]],
    )
    def test_values_of_any_type_are_read_back(self, results, values):
        tracks = split.read(results.folder / "folds.csv")
        sweep = {"base": "a", "key": "x.y", "rows": dict(zip("ab", values, strict=True))}
        rows = rows_of(accuracies({"a": 48, "b": 52}), {"01": sweep})
        csv = results.folder / "own.csv"
        sweep_table.write(csv, rows, tracks)
        again = sweep_table.read(csv, tracks)
        assert again["value"].tolist() == values and again["sweep"].tolist() == ["01", "01"]
        assert [type(v) for v in again["value"]] == [type(v) for v in values]
        assert again["p_best"].isna().tolist() == rows["p_best"].isna().tolist()
        assert again["converged"].all()

    def test_an_edited_table_is_refused(self, results):
        csv = results.folder / "sweeps.csv"
        csv.write_text(csv.read_text().replace("height", "width"))
        with pytest.raises(UserError, match=r"sweeps.csv is damaged"):
            sweep_table.read(csv, split.read(results.folder / "folds.csv"))
