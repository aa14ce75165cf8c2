"""sweeps.csv: the rows of each sweep with the values that distinguish them."""

import json
from collections.abc import Collection, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts import checked_tables
from workflow_scripts.dataset.split import Tracks
from workflow_scripts.results import comparison

COLUMNS = (
    *("sweep", "base", "key", "value", "variant", "n_folds", "n_seeds"),
    *("accuracy_mean", "accuracy_std", "half_width", "low", "high", "p_best", "converged"),
)
TEXT = ("sweep", "base", "key", "variant")


def table(
    sweeps: Mapping[str, Mapping[str, Any]],
    accuracies: Mapping[str, Sequence[float]],
    *,
    n_seeds: int,
    test_share: float | None,
    n_test: int = 0,
    pairs: pd.DataFrame | None = None,
    unconverged: Collection[str],
) -> pd.DataFrame:
    """One row per sweep and variant, in the order of the configuration.

    `sweeps` has for each sweep its base, key and rows (a value by variant). `accuracies` has those
    of each variant's folds in %, seed by seed; `test_share` is n_test / n_train, see
    `comparison.corrected_t`. For a fixed split, which has none, `n_test` is the number of test
    tracks and `pairs` the table of `comparison.pairs`.

    half_width is that of the 95 % interval of the mean, low and high are its ends, from 0 to 100.
    p_best is the p-value of the difference from the sweep's most accurate row, adjusted by Holm's
    method for all pairs of the sweep; NaN for this row. So it may be looked for first.
    """
    rows = []
    for name, sweep in sweeps.items():
        own = {variant: np.asarray(accuracies[variant], float) for variant in sweep["rows"]}
        p_best = _against_the_best(own, test_share, pairs)
        for variant, value in sweep["rows"].items():
            values = own[variant]
            numbers = {
                "n_folds": len(values) // n_seeds,
                "n_seeds": n_seeds,
                "accuracy_mean": values.mean(),
                "accuracy_std": values.std() if len(values) > 1 else np.nan,
                **comparison.interval(values, test_share, n_test),
                "p_best": p_best[variant],
                "converged": variant not in unconverged,
            }
            what = {"sweep": name, "base": sweep["base"], "key": sweep["key"]}
            rows.append({**what, "value": value, "variant": variant, **numbers})
    table = pd.DataFrame(rows, columns=COLUMNS)
    return _with_values(table, [row["value"] for row in rows])


def _against_the_best(
    accuracies: Mapping[str, np.ndarray], test_share: float | None, tested: pd.DataFrame | None
) -> dict[str, float]:
    means = {variant: values.mean() for variant, values in accuracies.items()}
    best = max(means, key=means.__getitem__)
    pairs = [*combinations(accuracies, 2)]
    if test_share is None:
        known = {} if tested is None else tested.set_index(["first", "second"])["p"].to_dict()
        p = [known.get((a, b), known.get((b, a), np.nan)) for a, b in pairs]
    else:
        p = [comparison.corrected_t(accuracies[a] - accuracies[b], test_share)[0] for a, b in pairs]
    adjusted = dict(zip(pairs, comparison.holm(p), strict=True))
    of_best = {other: q for pair, q in adjusted.items() if best in pair for other in pair}
    return {variant: of_best[variant] if variant != best else np.nan for variant in accuracies}


def trend(
    values: Sequence[float], accuracies: Sequence[Sequence[float]], test_share: float
) -> tuple[float, float]:
    """The mean slope of accuracy over `values`, in points per unit, and its two-sided p-value.

    `accuracies` has those of the folds, in the same order for each value. Each fold has a slope by
    least squares; they are tested like differences (`comparison.corrected_t`).
    """
    x = np.asarray(values, float) - np.mean(values)
    slopes = x @ np.asarray(accuracies, float) / (x @ x)
    return float(slopes.mean()), comparison.corrected_t(slopes, test_share)[0]


def write(csv: Path, rows: pd.DataFrame, tracks: Tracks) -> None:
    """Write a table of `table`; a value that is not text is JSON."""
    text = [v if isinstance(v, str) else json.dumps(v) for v in rows["value"]]
    checked_tables.write(csv, rows.assign(value=text), _what(tracks))


def read(csv: Path, tracks: Tracks) -> pd.DataFrame:
    """A table that `write` wrote. Raises UserError if it is damaged or of other tracks."""
    rows = checked_tables.read(
        csv,
        _what(tracks),
        dtype=dict.fromkeys((*TEXT, "value"), str),
        keep_default_na=False,
        na_values={column: [""] for column in ("accuracy_std", "half_width", "p_best")},
    )
    return _with_values(rows, [_value(text) for text in rows["value"]])


def _with_values(rows: pd.DataFrame, values: list[Any]) -> pd.DataFrame:
    """Rows with these values, of any type, as they are."""
    return rows.assign(value=pd.Series(values, rows.index, dtype=object))


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _what(tracks: Tracks) -> str:
    return f"sweeps.csv of the tracks {tracks.key}"
