"""What the page says first: which networks are the best, as far as the results show."""

from collections.abc import Sequence

import pandas as pd

from workflow_scripts.errors import FEW, listed
from workflow_scripts.results import table1
from workflow_scripts.results.caveats import Evidence
from workflow_scripts.results.comparison import LEVEL
from workflow_scripts.results.comparison_notes import rivals
from workflow_scripts.results.seed_notes import repetitions
from workflow_scripts.results.trainings import Trainings


def headline(table: pd.DataFrame, evidence: Evidence) -> str:
    """The best network, if it can be named, or why it cannot.

    A network is named as the best only among networks whose trainings converged with equal
    budgets, and only if tests distinguish it from each of them and from chance. `table` is
    table1.csv.
    """
    row = table.set_index("variant").loc[evidence.best]
    if len(table) == 1:
        return _only_network(row, evidence)
    trainings, best = evidence.trainings, evidence.best
    others = [v for v in table["variant"] if v != best]
    fair = [v for v in others if trainings.comparable(best, v)]
    if not fair:
        low, high = table["accuracy_mean"].min(), table["accuracy_mean"].max()
        return (
            f"The {len(table)} networks cannot be ranked: {_obstacles(trainings)}. They predict "
            f"{low:.1f} to {high:.1f} % of the test tracks correctly."
        )
    if not evidence.chance.is_beaten:
        return (
            f"None of the {len(table)} networks is better than chance in a test: "
            f"the most accurate predicts {_share(row)}, always predicting the largest class "
            f"{evidence.chance.constant:.1f} %."
        )
    same = [v for v in rivals(evidence.pairs, best) if v in fair]
    rest = _left_out(trainings, best, [v for v in others if v not in fair])
    n = len(fair) + 1
    among = f"the {n} networks that can be compared" if rest else f"{n} networks"
    if not same:
        return (
            f"{best} is the most accurate of {among}, and tests distinguish it from each of the "
            f"others: it predicts {_share(row)}.{rest}"
        )
    means = table.set_index("variant")["accuracy_mean"]
    lowest = min(same, key=means.__getitem__)
    if len(same) == len(others):
        which = "The two" if len(table) == 2 else f"The {len(table)}"
        return (
            f"{which} networks do not differ significantly from the most accurate of them: they "
            f"predict {means.min():.1f} to {means.max():.1f} % of the test tracks correctly."
        )
    others_of = "1 other" if len(same) == 1 else f"{len(same)} others"
    return (
        f"No test distinguishes the most accurate of {among}, {best}, which predicts "
        f"{_share(row)}, from {others_of}, down to {lowest} with {means[lowest]:.1f} %.{rest}"
    )


def _only_network(row: pd.Series, evidence: Evidence) -> str:
    sentence = f"{evidence.best} predicts {_share(row)}"
    if evidence.trainings.unconverged:
        return f"{sentence}, but it is not known to have converged."
    if not evidence.chance.is_beaten:
        chance = f"always predicting the largest class, {evidence.chance.constant:.1f} %"
        return f"{sentence}; no test distinguishes this from {chance}."
    return f"{sentence}."


def _share(row: pd.Series) -> str:
    if table1.INTERVAL[0] in row:
        low, high = (row[column] for column in table1.INTERVAL)
        spread = f"95 % interval {low:.1f} to {high:.1f}"
    else:
        over = repetitions(int(row["n_folds"]), int(row["n_seeds"]))
        spread = f"± {row['accuracy_std']:.1f} over {over}"
    return f"{row['accuracy_mean']:.1f} % of the test tracks correctly ({spread})"


def _obstacles(trainings: Trainings) -> str:
    """Why networks cannot be compared."""
    reasons = []
    if n := len(trainings.unconverged):
        all_of = len(trainings.variants)
        reasons.append(
            "none of them is known to have converged"
            if n == all_of
            else f"{n} of them {'is' if n == 1 else 'are'} not known to have converged"
        )
    if trainings.budgets_differ:
        low, high = min(trainings.budgets.values()), max(trainings.budgets.values())
        reasons.append(f"their max_epochs differ ({low} to {high})")
    return " and ".join(reasons)


def _left_out(trainings: Trainings, best: str, variants: Sequence[str]) -> str:
    """A sentence on the networks that cannot be compared with the best one; empty if none."""
    if not variants:
        return ""
    unconverged = [v for v in variants if not trainings.convergence[v].converged]
    unequal = [v for v in variants if v not in unconverged]
    reasons = []
    if unconverged:
        reasons.append(f"{listed(unconverged, FEW)} (not known to have converged)")
    if unequal:
        reasons.append(f"{listed(unequal, FEW)} (another max_epochs)")
    return f" Not compared: {' and '.join(reasons)}."


def differences_sentence(pairs: pd.DataFrame, trainings: Trainings) -> str:
    """The number of pairs that differ significantly, and the largest of these differences.

    Differences that may come from the trainings are counted apart. `pairs` is a table of
    `comparison.pairs`.
    """
    if not len(pairs):
        return ""
    significant = pairs[pairs["p_holm"] < LEVEL]
    if not len(significant):
        none = f"None of the {len(pairs)} pairs of networks differs"
        return (
            f"{none if len(pairs) > 1 else 'The two networks do not differ'} significantly at the "
            f"level of {LEVEL}: with so few tracks, do not rely on the order in Table I."
        )
    fair = [trainings.comparable(row.first, row.second) for row in significant.itertuples()]
    trained_alike = significant[fair]
    n_unfair = len(significant) - len(trained_alike)
    if len(pairs) == 1:
        doubt = f" {_DOUBT.format(pairs='This pair has')}" if n_unfair else ""
        return (
            f"The two networks differ significantly at the level of {LEVEL}: "
            f"{_largest(significant)}.{doubt}"
        )
    differ = "differs" if len(significant) == 1 else "differ"
    counted = (
        f"{len(significant)} of the {len(pairs)} pairs of networks {differ} significantly at the "
        f"level of {LEVEL}."
    )
    order = "Do not rely on the order of the other pairs in Table I."
    if not n_unfair:
        return f"{counted} The largest difference: {_largest(significant)}. {order}"
    if not len(trained_alike):
        these = {1: "This pair has", 2: "Both pairs have"}.get(n_unfair, "All these pairs have")
        largest = f"The largest difference: {_largest(significant)}."
        return f"{counted} {largest} {_DOUBT.format(pairs=these)} {order}"
    these = "1 of these pairs has" if n_unfair == 1 else f"{n_unfair} of these pairs have"
    largest = f"The largest difference of the others: {_largest(trained_alike)}."
    return f"{counted} {_DOUBT.format(pairs=these)} {largest} {order}"


_DOUBT = (
    "{pairs} networks with unequal budgets of epochs or that are not known to have converged: such "
    "a difference may come from training."
)


def _largest(pairs: pd.DataFrame) -> str:
    largest = pairs.loc[pairs["difference"].abs().idxmax()]
    better, worse = largest["first"], largest["second"]
    if largest["difference"] < 0:
        better, worse = worse, better
    return f"{better} is {abs(largest['difference']):.1f} points better than {worse}"
