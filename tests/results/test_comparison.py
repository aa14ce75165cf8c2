"""Tests of differences between networks, against SciPy and values computed by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from workflow_scripts.results import comparison


class TestCorrectedT:
    differences = np.array([2.0, 4.0, 1.0, 5.0, 3.0])

    def test_without_shared_tracks_equals_the_paired_t_test(self):
        p, half_width = comparison.corrected_t(self.differences, 0)
        expected = stats.ttest_1samp(self.differences, 0)
        assert p == pytest.approx(expected.pvalue)
        assert 3 - half_width == pytest.approx(expected.confidence_interval(0.95).low)

    def test_correction_matches_a_computation_by_hand(self):
        # Variance 2.5; 1/5 + 1/3 of it is 4/3; t = 3 / sqrt(4/3) = 2.598 on 4 degrees of freedom.
        p, half_width = comparison.corrected_t(self.differences, 1 / 3)
        assert p == pytest.approx(0.0602, abs=5e-5)
        assert half_width == pytest.approx(2.7764 * np.sqrt(4 / 3), rel=1e-4)

    def test_folds_of_several_seeds_match_a_computation_by_hand(self):
        # k = 2 folds of r = 3 seeds: variance 3.5; (1 / (k r) + 1/3) of it is 7/4; mean 3.5; 5
        # degrees of freedom (Bouckaert & Frank 2004).
        differences = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
        p, half_width = comparison.corrected_t(differences, 1 / 3)
        assert p == pytest.approx(2 * stats.t(df=5).sf(3.5 / np.sqrt(7 / 4)))
        assert half_width == pytest.approx(2.5706 * np.sqrt(7 / 4), rel=1e-4)

    def test_without_variance_p_is_that_of_the_sign_test(self):
        assert comparison.corrected_t(np.zeros(5), 0.3) == (1, 0)
        expected = stats.binomtest(5, 5, 0.5).pvalue
        assert comparison.corrected_t(np.full(5, 2.0), 0.3) == (expected, 0)
        assert comparison.corrected_t(np.full(5, -2.0), 0.3) == (expected, 0)


def test_holm_matches_a_computation_by_hand():
    # 4 x 0.005, 3 x 0.01, 2 x 0.03; 1 x 0.04 is raised to the value before it.
    adjusted = comparison.holm([0.01, 0.04, 0.03, 0.005])
    assert adjusted.tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert comparison.holm([0.9, 0.8]).tolist() == [1, 1]


def test_pairs_match_a_computation_by_hand():
    def folds(*correct):
        """One text per fold; a 1 is a correct prediction."""
        return [
            pd.DataFrame(
                {
                    "track_id": [f"{fold}/{n}" for n in range(len(marks))],
                    "label": "a",
                    "predicted": ["a" if mark == "1" else "b" for mark in marks],
                }
            )
            for fold, marks in enumerate(correct)
        ]

    predictions = {
        "x": folds("1111", "1110"),
        "y": folds("1100", "0111"),
        "z": folds("1111", "1110"),
    }
    table = comparison.pairs(predictions, 0.5).set_index(["first", "second"])
    row = table.loc["x", "y"]
    # 100 - 50 and 75 - 75.
    assert row["difference"] == 25
    assert (row["only_first"], row["only_second"]) == (3, 1)
    assert table.loc[("x", "z"), "p_holm"] == 1
    # Two folds: one degree of freedom, t = 25 / sqrt(1250) of a Cauchy distribution.
    assert row["p"] == pytest.approx(1 - 2 * np.arctan(25 / np.sqrt(1250)) / np.pi)
    assert row["p_holm"] == pytest.approx(min(3 * row["p"], 1))


def test_a_track_counts_once_for_each_seed():
    def folds(*predicted):
        return [
            pd.DataFrame({"track_id": list(tracks), "label": "x", "predicted": list(classes)})
            for tracks, classes in zip(("ab", "cd", "ac", "bd"), predicted, strict=True)
        ]

    # Two seeds, each with two folds of the tracks a to d.
    predictions = {"1": folds("xx", "xy", "yx", "xx"), "2": folds("yx", "xx", "yy", "yy")}
    row = comparison.pairs(predictions, 0.5).iloc[0]
    # With the first seed a, with the second c, b and d; only the second network: d, first seed.
    assert (row["only_first"], row["only_second"]) == (4, 1)
    assert row["difference"] == np.mean([50, -50, 50, 100])


def test_a_single_network_has_no_pairs():
    table = pd.DataFrame({"track_id": ["t"], "label": ["a"], "predicted": ["a"]})
    assert len(comparison.pairs({"x": [table]}, 0.5)) == 0
