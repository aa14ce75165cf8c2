"""Compare the accuracies of finished runs, network by network, each run with the first one."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts.results import fixed_split, students_t
from workflow_scripts.results.comparison import corrected_t, holm
from workflow_scripts.results.fixed_split import CONFIDENCE
from workflow_scripts.results.run_relation import NONE, PAIRED, relation
from workflow_scripts.results.runs import Run

# The row of the mean over all networks that two runs share; no variant can have this name.
ALL_NETWORKS = "all networks"


def corrected_welch(
    first: np.ndarray, second: np.ndarray, first_share: float, second_share: float
) -> tuple[float, float]:
    """Two-sided p-value and half the width of the CONFIDENCE interval of a difference of means.

    Welch's t-test (The generalization of "Student's" problem when several different population
    variances are involved, Biometrika 34, 1947), with the variance of each mean corrected for
    shared training tracks as in `comparison.corrected_t`. It assumes that the two means are
    independent. Those of runs on the same tracks are positively correlated, so that the true p is
    smaller. `first` and `second` have one value per fold; the shares are n_test / n_train.
    """
    sizes = np.array([len(first), len(second)])
    shares = np.array([first_share, second_share])
    errors = (1 / sizes + shares) * np.array([np.var(first, ddof=1), np.var(second, ddof=1)])
    difference, error = second.mean() - first.mean(), np.sqrt(errors.sum())
    if error == 0:
        return float(difference == 0), 0.0
    freedom = errors.sum() ** 2 / (errors**2 / (sizes - 1)).sum()
    p = 2 * students_t.above(abs(difference) / error, freedom)
    return float(p), float(error * students_t.quantile((1 + CONFIDENCE) / 2, freedom))


def compare(runs: Sequence[Run], same_network: Mapping[str, Sequence[bool]]) -> pd.DataFrame:
    """A table with one row per variant and run, of the variants of all runs, and ALL_NETWORKS.

    `same_network` says for each variant and run whether the network is that of the first run.
    Columns: variant, run; accuracy_mean and accuracy_std in %, over n_results seeds and folds; for
    all runs but the first: test (PAIRED, UNPAIRED or empty), difference to the first run in
    percentage points with half_width of its CONFIDENCE interval, p; p_holm, adjusted for all
    variants and runs (for ALL_NETWORKS, for all runs); only_run and only_first, the numbers of
    predictions that are correct in only one of the two runs. Unknown values are NaN: if the
    accuracies leave no variance to estimate, there is no interval, and p is that of the sign test
    for pairs, 2 / 2^n_results, otherwise unknown. Two runs on the same fixed split are compared by
    `fixed_split.difference`; with another one, or with folds, there is no test.
    """
    first, others = runs[0], runs[1:]
    kinds = [relation(first, run).kind for run in others]
    rows = []
    for variant in dict.fromkeys(v for run in runs for v in run.variants):
        for position, run in enumerate(runs):
            if variant not in run.variants:
                continue
            row = {"variant": variant} | _row(run, [variant])
            row["same_network"] = same_network[variant][position]
            if position and variant in first.variants:
                row |= _difference(first, run, [variant], kinds[position - 1])
                if row["test"] == PAIRED:
                    row["only_run"] = run.n_correct_only_here(first, variant)
                    row["only_first"] = first.n_correct_only_here(run, variant)
            rows.append(row)
    rows += _rows_of_all(runs, kinds, same_network)
    table = pd.DataFrame(rows).reindex(columns=COLUMNS)
    overall = table["variant"] == ALL_NETWORKS
    for part in (~overall, overall):
        tested = part & table["p"].notna()
        table.loc[tested, "p_holm"] = holm(table.loc[tested, "p"].to_numpy(float))
    return table


COLUMNS = [
    *("variant", "run", "accuracy_mean", "accuracy_std", "n_results", "same_network"),
    *("test", "difference", "half_width", "p", "p_holm", "only_run", "only_first"),
]


def _rows_of_all(
    runs: Sequence[Run], kinds: Sequence[str], same_network: Mapping[str, Sequence[bool]]
) -> list[dict[str, Any]]:
    """Rows of the mean over the networks that all runs share; none for one or without a test."""
    shared = [v for v, same in same_network.items() if all(same)]
    if len(shared) < 2 or set(kinds) == {NONE}:
        return []
    rows = [{"variant": ALL_NETWORKS} | _row(run, shared) for run in runs]
    for row, run, kind in zip(rows[1:], runs[1:], kinds, strict=True):
        row |= _difference(runs[0], run, shared, kind)
    return rows


def _row(run: Run, variants: Sequence[str]) -> dict[str, Any]:
    values = run.accuracies(variants)
    return {
        "run": run.name,
        "accuracy_mean": values.mean(),
        "accuracy_std": values.std() if len(values) > 1 else np.nan,
        "n_results": len(values),
        "same_network": True,
        "test": "",
    }


def _difference(first: Run, run: Run, variants: Sequence[str], kind: str) -> dict[str, Any]:
    """The columns of the difference to the first run; none if the runs are not comparable."""
    if kind == NONE:
        return {"test": ""}
    before, after = first.accuracies(variants), run.accuracies(variants)
    difference = after.mean() - before.mean()
    share, first_share = run.test_share, first.test_share
    if share is None or first_share is None:
        # A fixed split has no variance over folds: only its test tracks can be compared.
        if kind != PAIRED:
            return {"test": "", "difference": difference}
        p, half_width = fixed_split.difference(
            run.correct_shares(variants), first.correct_shares(variants)
        )
        return {"test": kind, "difference": difference, "half_width": half_width, "p": p}
    if kind == PAIRED:
        p, half_width = corrected_t(after - before, share)
    else:
        p, half_width = corrected_welch(before, after, first_share, share)
    if half_width == 0 and difference != 0:
        # Equal differences leave no variance to estimate. Pairs still have their signs.
        p, half_width = 2 * 0.5 ** len(before) if kind == PAIRED else np.nan, np.nan
    return {"test": kind, "difference": difference, "half_width": half_width, "p": p}
