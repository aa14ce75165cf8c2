"""Texts and tables about compared runs, for the page and for a terminal."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts.errors import FEW, listed
from workflow_scripts.results.comparison import LEVEL
from workflow_scripts.results.run_comparison import ALL_NETWORKS
from workflow_scripts.results.table1 import spread

ACCURACIES = (
    "Accuracies: % of the test tracks, by majority vote of their segments, mean ± standard "
    "deviation over folds{seeds}."
)
TESTS = (
    "Difference: accuracy minus that of {first}, in percentage points, with its 95 % interval. In "
    "the same folds it is tested by the corrected resampled t-test (Nadeau & Bengio 2003), which "
    "takes into account that folds share training tracks; otherwise by Welch's t-test (1947) with "
    "the variances corrected in the same way, which takes the two accuracies for independent. "
    "On the same fixed split it is tested by the sign test over test tracks (McNemar 1947). "
    "Interval and p are those of a test alone; p (Holm) is adjusted for the {tests} of single "
    "networks. • significant at the level of {level}. All networks: the mean over those that all "
    "runs share, tested once for each run."
)


@dataclass(frozen=True)
class Cell:
    """A cell of a table: its text, and what it is sorted by."""

    text: str
    value: float | str = ""
    numeric: bool = True


@dataclass(frozen=True)
class Row:
    """A row of a table: its header cell, its other cells, whether it is significant."""

    head: str
    cells: list[Cell]
    significant: bool = False


@dataclass(frozen=True)
class Table:
    """A table: its title; the title of each column, and whether it is numeric; its rows."""

    title: str
    columns: list[tuple[str, bool]]
    rows: list[Row]


def headline(table: pd.DataFrame, first: str, run: str, relation: str) -> list[str]:
    """One or two sentences: which differences between `run` and `first` are significant.

    `table` is that of `run_comparison.compare`; `relation` says why runs are not comparable.
    """
    own = table[(table["run"] == run) & table["difference"].notna()]
    if not len(own):
        shared = set(table.loc[table["run"] == run, "variant"]) & set(
            table.loc[table["run"] == first, "variant"]
        )
        return [relation if shared else f"{run} and {first} have no network in common."]
    networks, overall = own[own["variant"] != ALL_NETWORKS], own[own["variant"] == ALL_NETWORKS]
    unchanged = (networks["difference"] == 0) & (networks["only_run"] == 0)
    if unchanged.all():
        return [f"{run} and {first} predict the same tracks correctly with every network."]
    sentences = [_of_all(row, first, run) for row in overall.to_dict("records")]
    sentences.append(_of_networks(networks, first, run))
    return [*sentences, *_untested(networks, first, run)]


def _of_networks(networks: pd.DataFrame, first: str, run: str) -> str:
    significant = networks[networks["p_holm"] < LEVEL]
    size = networks["difference"].abs()
    if not len(significant):
        largest = networks.loc[size.idxmax()].to_dict()
        subject = (
            f"None of the {len(networks)} networks differs"
            if len(networks) > 1
            else f"{largest['variant']} does not differ"
        )
        tested = _test_text(largest)
        return (
            f"{subject} significantly between {run} and {first} at the level of {LEVEL}. The "
            f"largest difference: {largest['variant']}, {points(largest['difference'])} points in "
            f"{run}{tested}."
        )
    parts = []
    for word, chosen in (
        ("better", significant[significant["difference"] > 0]),
        ("worse", significant[significant["difference"] < 0]),
    ):
        if len(chosen):
            order = chosen["difference"].abs().sort_values(ascending=False).index
            names = [
                f"{row['variant']} ({points(row['difference'])} points)"
                for row in chosen.loc[order].to_dict("records")
            ]
            parts.append(f"{word} with {listed(names, FEW)}")
    rest = len(networks) - len(significant)
    others = {
        0: "",
        1: " The other network does not differ significantly.",
    }.get(rest, f" The other {rest} networks do not differ significantly.")
    return (
        f"{run} is significantly {' and '.join(parts)} than {first}, at the level of {LEVEL} "
        f"(adjusted for all networks).{others}"
    )


def _of_all(row: dict[str, Any], first: str, run: str) -> str:
    if row["p_holm"] < LEVEL:
        told = f"is significantly {'better' if row['difference'] > 0 else 'worse'} than"
    else:
        told = "is not significantly different from"
    return (
        f"Averaged over the networks that all runs have in common, {run} {told} {first}: "
        f"{points(row['difference'])} points{_test_text(row)}."
    )


def _untested(networks: pd.DataFrame, first: str, run: str) -> Iterator[str]:
    untested = networks.loc[networks["p"].isna(), "variant"].tolist()
    if not untested:
        return
    reason = (
        "a fixed split can be compared only with the same split"
        if (networks["test"] == "").any()
        else "the accuracy of each run is the same in all folds"
    )
    yield f"No test for {listed(untested, FEW)} in {run} and {first}: {reason}."


def tables(table: pd.DataFrame, runs: Sequence[str]) -> list[Table]:
    """Table I side by side; of more than two runs, then each with the first one."""
    first = runs[0]
    compared = [run for run in runs if (table["difference"].notna() & (table["run"] == run)).any()]
    if len(runs) == 2:
        return [_table(table, "Side by side", runs, compared)]
    overview = _table(table, "Side by side", runs, [])
    each = [_table(table, f"{run} against {first}", [first, run], [run]) for run in compared]
    return [overview, *each]


def _table(table: pd.DataFrame, title: str, runs: Sequence[str], compared: Sequence[str]) -> Table:
    """A table of the accuracies of `runs`, and the differences of `compared` to the first."""
    columns = [("Network", False), *((run, True) for run in runs)]
    for run in compared:
        columns += [(name, True) for name in ("Difference", "95 % interval", "p", "p (Holm)")]
        columns += [(f"Correct only in {run}", True), (f"Correct only in {runs[0]}", True)]
    rows = []
    for variant, group in table[table["run"].isin(runs)].groupby("variant", sort=False):
        of_run = {row["run"]: row for row in group.to_dict("records")}
        cells = [_accuracy(of_run.get(run)) for run in runs]
        for run in compared:
            cells += _difference(of_run.get(run))
        changed = [run for run, row in of_run.items() if not row["same_network"]]
        differs = changed and runs[0] in of_run
        head = f"{variant} (another network in {listed(changed, FEW)})" if differs else str(variant)
        of_compared = group[group["run"].isin(compared)]
        rows.append(Row(head, cells, bool((of_compared["p_holm"] < LEVEL).any())))
    return Table(title, columns, rows)


def method(table: pd.DataFrame, first: str, several_seeds: bool) -> str:
    """What the numbers of the tables are, and how the differences were tested."""
    seeds = " and seeds" if several_seeds else ""
    accuracies = ACCURACIES.format(seeds=seeds)
    if not table["difference"].notna().any():
        return accuracies
    n = int(((table["variant"] != ALL_NETWORKS) & table["p"].notna()).sum())
    tests = "1 test" if n == 1 else f"{n} tests"
    return f"{accuracies} {TESTS.format(first=first, tests=tests, level=LEVEL)}"


def known(value: float) -> bool:
    """Whether a number is not NaN."""
    return not np.isnan(value)


def points(value: float) -> str:
    """A difference with its sign."""
    text = f"{value:+.2f}"
    return "0.00" if text in ("+0.00", "-0.00") else text


def _test_text(row: dict[str, Any]) -> str:
    """Interval and p, if they are known."""
    interval = f", 95 % interval {interval_text(row)}" if known(row["half_width"]) else ""
    return f"{interval}, adjusted p = {p_text(row['p_holm'])}" if known(row["p"]) else ""


def interval_text(row: dict[str, Any]) -> str:
    """The ends of the interval of a difference; empty if they are unknown."""
    if not known(row["half_width"]):
        return ""
    low, high = row["difference"] - row["half_width"], row["difference"] + row["half_width"]
    return f"{points(low)} to {points(high)}"


def p_text(p: float) -> str:
    """A p-value with three decimals, or one significant digit if it is smaller."""
    return f"{p:.3f}" if p >= 0.001 or p == 0 else f"{p:.0e}"


def _accuracy(row: dict[str, Any] | None) -> Cell:
    if row is None:
        return Cell("")
    mean, std = row["accuracy_mean"], row["accuracy_std"]
    return Cell(spread(mean, std), mean)


def _difference(row: dict[str, Any] | None) -> list[Cell]:
    if row is None or not known(row["difference"]):
        return [Cell("")] * 6
    counts = [_count(row["only_run"]), _count(row["only_first"])]
    difference = Cell(points(row["difference"]), row["difference"])
    if not known(row["p"]):
        return [difference, *[Cell("")] * 3, *counts]
    interval, star = interval_text(row), " •" if row["p_holm"] < LEVEL else ""
    return [
        difference,
        Cell(interval, row["difference"] - row["half_width"] if interval else ""),
        Cell(p_text(row["p"]), row["p"]),
        Cell(f"{p_text(row['p_holm'])}{star}", row["p_holm"]),
        *counts,
    ]


def _count(value: float) -> Cell:
    return Cell(f"{value:.0f}", value) if known(value) else Cell("")
