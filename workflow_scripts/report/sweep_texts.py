"""What the page says of a sweep: which value is best, as far as tests show."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts.errors import FEW, listed
from workflow_scripts.results import sweep_table
from workflow_scripts.results.comparison import LEVEL
from workflow_scripts.results.trainings import Trainings

# Keys and what they are: a name for sentences, and the title of an axis.
TRUNK = r"trunks\.(?P<trunk>\w+)\."
LAYER = TRUNK + r"layers\.(?P<layer>\d+)\."
NAMES = (
    (TRUNK + r"filter\.1", "n", "filter length n of trunk {trunk}, frames"),
    (TRUNK + r"filter\.0", "m", "filter height m of trunk {trunk}, mel bands"),
    (TRUNK + "n_filters", "the number of filters", "filters of trunk {trunk}"),
    (LAYER + r"convolution\.1", "n", "filter length n in layer {layer} of trunk {trunk}, frames"),
    (LAYER + r"convolution\.0", "m", "filter height m in layer {layer} of trunk {trunk}, bands"),
    (LAYER + "n_filters", "the number of filters", "filters in layer {layer} of trunk {trunk}"),
    ("input_frames", "the length of a segment", "length of a segment, frames"),
    ("hidden", "the size of the hidden layer", "units of the hidden layer"),
    (r"training\.learning_rate", "the learning rate", "learning rate"),
)


def axis(key: str) -> str:
    """The title of an axis with the values of a key; layers count from 1, as in other messages."""
    for pattern, _, title in NAMES:
        if match := re.fullmatch(pattern, key):
            parts = match.groupdict()
            return title.format(**parts | {"layer": int(parts.get("layer") or 0) + 1})
    return key


def symbol(key: str) -> str:
    """A key as part of a sentence."""
    return next((name for pattern, name, _ in NAMES if re.fullmatch(pattern, key)), key)


def shown(value: Any) -> str:
    """A value as text."""
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value)


def are_numbers(values: Sequence[Any]) -> bool:
    """Whether all values are numbers."""
    return all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)


def is_numeric(rows: pd.DataFrame) -> bool:
    """Whether the rows of a sweep have an order: their values are numbers."""
    return are_numbers(rows["value"].tolist())


def finding(
    rows: pd.DataFrame,
    accuracies: Mapping[str, Sequence[float]],
    test_share: float | None,
    trainings: Trainings,
) -> str:
    """The sentences on the rows of one sweep in sweeps.csv.

    They name the best value, the values that tests distinguish from it, and the trend; they say
    which differences may come from training. `accuracies` has those of each variant's folds.
    Without a `test_share`, of a fixed split, no trend is tested.
    """
    best = rows.loc[rows["accuracy_mean"].idxmax()]
    key = symbol(best["key"])
    if len(rows) == 1:
        return (
            f"Only one value of {key} is in the table, {shown(best['value'])}: it is correct on "
            f"{best['accuracy_mean']:.1f} % of the tracks."
        )
    parts = [_best(rows, best, key)]
    if len(rows) > 2 and is_numeric(rows) and test_share is not None:
        parts.append(_trend(rows, accuracies, test_share, key))
    return " ".join(filter(None, [*parts, _doubt(rows, best["variant"], trainings)]))


def _best(rows: pd.DataFrame, best: pd.Series, key: str) -> str:
    others = rows[rows["variant"] != best["variant"]]
    tied = np.isclose(rows["accuracy_mean"], best["accuracy_mean"])
    accuracy = f"{best['accuracy_mean']:.1f} %"
    if tied.all():
        return f"The {len(rows)} values of {key} have the same mean accuracy, {accuracy}."
    first = shown(best["value"])
    which, it = f"{first} has", "it"
    if tied.sum() > 1:
        which, it = f"{listed([*map(shown, rows[tied]['value'])], FEW)} have", first
    start = (
        f"Of {len(rows)} values of {key}, {which} the highest mean accuracy ({accuracy}; the "
        f"others {_range(rows[~tied]['accuracy_mean'])})"
    )
    # An unknown p-value distinguishes nothing.
    apart = others["p_best"] < LEVEL
    below, alike = (listed([*map(shown, others[own]["value"])], FEW) for own in (apart, ~apart))
    if apart.all():
        rest = "the other" if len(others) == 1 else "all others"
        return f"{start}, significantly above {rest}."
    if not apart.any():
        rest = "the other" if len(others) == 1 else "any other"
        return f"{start}, but no test distinguishes {it} from {rest}."
    return f"{start}, significantly above {below}; no test distinguishes {it} from {alike}."


def _trend(
    rows: pd.DataFrame, accuracies: Mapping[str, Sequence[float]], test_share: float, key: str
) -> str:
    values = rows["value"].tolist()
    slope, p = sweep_table.trend(values, [accuracies[v] for v in rows["variant"]], test_share)
    if not p < LEVEL:
        return f"No test shows that accuracy rises or falls with {key} (p = {p:.2g})."
    change = slope * (max(values) - min(values))
    verb = "rises" if change > 0 else "falls"
    return (
        f"Over these values, accuracy {verb} with {key}: by {abs(change):.1f} points from the "
        f"smallest to the largest along a straight line (p = {p:.2g})."
    )


def _doubt(rows: pd.DataFrame, best: str, trainings: Trainings) -> str:
    unfair = [
        shown(row.value)
        for row in rows.itertuples()
        if row.variant != best and not trainings.comparable(best, row.variant)
    ]
    if not unfair:
        return ""
    if len(unfair) == len(rows) - 1:
        return "All these differences may come from training: see the warnings at the top."
    return (
        f"Differences from {listed(unfair, FEW)} may come from training: budgets of epochs are "
        "unequal, or it is not known to have converged."
    )


def _range(means: pd.Series) -> str:
    low, high = f"{np.min(means):.1f}", f"{np.max(means):.1f}"
    return low if low == high else f"{low} to {high}"
