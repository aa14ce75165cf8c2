"""Compare the accuracies of finished runs, network by network, each run with the first one."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from workflow_scripts.dataset.split import Tracks
from workflow_scripts.errors import FEW, listed
from workflow_scripts.results.comparison import CONFIDENCE, corrected_t, holm

# The row of the mean over all networks that two runs share; no variant can have this name.
ALL_NETWORKS = "all networks"
PAIRED, UNPAIRED, NONE = "paired", "unpaired", "none"
# Runs with fewer tracks in common, of those of either run, are of different data sets.
LEAST_IN_COMMON = 0.5
# The settings that decide which track is in which fold.
SETTINGS_OF_FOLDS = ("folds", "seed", "seeds", "stratified", "group_by", "replicas")


@dataclass(frozen=True)
class Repeat:
    """One cross-validation of a run, with the folds and trainings of one seed.

    `correct` has for each variant whether the prediction of each of the `tracks` is correct, bool
    (tracks,); `fits` the content of fit.json of each fold.
    """

    seed: int
    tracks: Tracks
    correct: dict[str, np.ndarray]
    fits: dict[str, list[dict[str, Any]]]

    def accuracies(self, variant: str) -> np.ndarray:
        """The accuracy of each fold in %, float (folds,)."""
        fold, correct = self.tracks.fold, self.correct[variant]
        return np.array([100 * correct[fold == k].mean() for k in range(self.tracks.n_folds)])


@dataclass(frozen=True)
class Run:
    """The results of a run: its name, its complete configuration, one repeat for each seed.

    `repeats` are sorted by seed, so that those of two runs with the same seeds are pairs.
    """

    name: str
    config: dict[str, Any]
    repeats: list[Repeat]

    @property
    def variants(self) -> list[str]:
        """The names of the networks, in the order of Table I."""
        return list(self.config["variants"])

    @property
    def fits(self) -> list[dict[str, Any]]:
        """The contents of all fit.json."""
        return [fit for repeat in self.repeats for fits in repeat.fits.values() for fit in fits]

    @property
    def test_share(self) -> float:
        """Test tracks per training track: one fold is tested, one validates, the others train."""
        return 1 / max(self.repeats[0].tracks.n_folds - 2, 1)

    def accuracies(self, variants: Sequence[str]) -> np.ndarray:
        """The mean accuracy of `variants` in % for each seed and fold, float (seeds x folds,)."""
        of_each = [
            np.concatenate([repeat.accuracies(variant) for repeat in self.repeats])
            for variant in variants
        ]
        return np.mean(of_each, axis=0)

    def n_correct_only_here(self, other: "Run", variant: str) -> int:
        """The number of predictions of a variant that are correct here, but not in `other`.

        The two runs have the same tracks in the same folds.
        """
        pairs = zip(self.repeats, other.repeats, strict=True)
        return sum(int((_sorted(a, variant) & ~_sorted(b, variant)).sum()) for a, b in pairs)


@dataclass(frozen=True)
class Relation:
    """How a run can be compared with the first one, and a sentence that says why.

    `kind` is PAIRED (the same tracks in the same folds), UNPAIRED (other folds, or a few other
    tracks) or NONE (other data or classes).
    """

    kind: str
    sentence: str


def relation(first: Run, other: Run) -> Relation:
    """How `other` can be compared with `first`. Tracks are recognised by their audio."""
    a, b = first.repeats[0].tracks, other.repeats[0].tracks
    if a.classes != b.classes:
        only = [
            f"only {run.name} has {listed(own, FEW)}"
            for run, own in ((first, _without(a, b)), (other, _without(b, a)))
            if own
        ]
        return Relation(
            NONE,
            f"{first.name} and {other.name} have different classes ({'; '.join(only)}): their "
            "accuracies are not comparable.",
        )
    both = (Counter(a.digest) & Counter(b.digest)).total()
    same_names = len(set(a.track_id) & set(b.track_id))
    # Converted or trimmed files have the same names, but other digests.
    if max(both, same_names) < LEAST_IN_COMMON * max(len(a.digest), len(b.digest)):
        return Relation(
            NONE,
            f"{first.name} and {other.name} have different data: of their {len(a.digest)} and "
            f"{len(b.digest)} tracks, {both} are the same. Their accuracies are not comparable.",
        )
    if _contents(a) != _contents(b):
        return Relation(
            UNPAIRED,
            f"{first.name} and {other.name} have {_other_tracks(a, b, both, same_names)}. "
            f"{_WITHOUT_PAIRS}",
        )
    if _assignments(first) == _assignments(other):
        return Relation(
            PAIRED,
            f"{first.name} and {other.name} have the same tracks in the same folds: each fold is "
            "compared with itself.",
        )
    return Relation(
        UNPAIRED,
        f"{first.name} and {other.name} have the same tracks in different folds "
        f"({_why_folds_differ(first, other)}). {_WITHOUT_PAIRS}",
    )


_WITHOUT_PAIRS = (
    "Their accuracies are compared without pairing the folds, which finds fewer differences."
)


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
    p = 2 * stats.t.sf(abs(difference) / error, freedom)
    return float(p), float(error * stats.t.ppf((1 + CONFIDENCE) / 2, freedom))


def compare(runs: Sequence[Run], same_network: Mapping[str, Sequence[bool]]) -> pd.DataFrame:
    """A table with one row per variant and run, of the variants of all runs, and ALL_NETWORKS.

    `same_network` says for each variant and run whether the network is that of the first run.
    Columns: variant, run; accuracy_mean and accuracy_std in %, over n_results seeds and folds; for
    all runs but the first: test (PAIRED, UNPAIRED or empty), difference to the first run in
    percentage points with half_width of its CONFIDENCE interval, p; p_holm, adjusted for all
    variants and runs (for ALL_NETWORKS, for all runs); only_run and only_first, the numbers of
    predictions that are correct in only one of the two runs. Unknown values are NaN: if the
    accuracies leave no variance to estimate, there is no interval, and p is that of the sign test
    for pairs, 2 / 2^n_results, otherwise unknown.
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
        "accuracy_std": values.std(),
        "n_results": len(values),
        "same_network": True,
        "test": "",
    }


def _difference(first: Run, run: Run, variants: Sequence[str], kind: str) -> dict[str, Any]:
    """The columns of the difference to the first run; none if the runs are not comparable."""
    if kind == NONE:
        return {"test": ""}
    before, after = first.accuracies(variants), run.accuracies(variants)
    if kind == PAIRED:
        p, half_width = corrected_t(after - before, run.test_share)
    else:
        p, half_width = corrected_welch(before, after, first.test_share, run.test_share)
    difference = after.mean() - before.mean()
    if half_width == 0 and difference != 0:
        # Equal differences leave no variance to estimate. Pairs still have their signs.
        p, half_width = 2 * 0.5 ** len(before) if kind == PAIRED else np.nan, np.nan
    return {"test": kind, "difference": difference, "half_width": half_width, "p": p}


def _sorted(repeat: Repeat, variant: str) -> np.ndarray:
    """`repeat.correct` of a variant, sorted by audio, label and fold."""
    tracks = repeat.tracks
    order = np.lexsort((tracks.track_id, tracks.fold, tracks.label, tracks.digest))
    return repeat.correct[variant][order]


def _contents(tracks: Tracks) -> Counter[tuple[str, str]]:
    return Counter(zip(tracks.digest, tracks.label, strict=True))


def _assignments(run: Run) -> dict[int, Counter[tuple[str, str, int]]]:
    """The labelled tracks of each fold, by seed."""
    return {
        repeat.seed: Counter(
            zip(repeat.tracks.digest, repeat.tracks.label, repeat.tracks.fold, strict=True)
        )
        for repeat in run.repeats
    }


def _without(a: Tracks, b: Tracks) -> list[str]:
    return [name for name in a.classes if name not in b.classes]


def _other_tracks(a: Tracks, b: Tracks, both: int, same_names: int) -> str:
    """How the tracks of two runs differ, which have most of them in common."""
    if both == len(a.digest) == len(b.digest):
        other = both - (_contents(a) & _contents(b)).total()
        return f"the same tracks, but {other} of {both} with another label"
    if both < same_names:
        return f"{same_names} tracks of the same names, but {both} of the same audio"
    return f"{len(a.digest)} and {len(b.digest)} tracks, {both} of them the same"


def _why_folds_differ(first: Run, other: Run) -> str:
    differing = [
        f"{key}: {first.config.get(key)} and {other.config.get(key)}"
        for key in SETTINGS_OF_FOLDS
        if first.config.get(key) != other.config.get(key)
    ]
    return "; ".join(differing) or "with the same settings, so by another version of the workflow"
