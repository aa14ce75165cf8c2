"""Sentences on the effects of time stretch and pitch shift on the networks."""

from collections.abc import Mapping

import pandas as pd

from workflow_scripts.interpretation import intervention_table
from workflow_scripts.interpretation.interventions import SHIFT, STRETCH

# The tempo, relative to the original, at which the page describes changed predictions.
SLOWED = 0.8
# Number of classes whose changes a sentence lists.
MOST_CLASSES = 10


def described(counts: pd.DataFrame) -> pd.DataFrame:
    """The part of interventions/<variant>.csv that `changes_sentence` describes."""
    return counts[(counts["intervention"] == STRETCH) & (counts["amount"] == SLOWED)].copy()


def changes_sentence(counts: pd.DataFrame) -> str:
    """How the predictions of each class change when the tracks are slowed to SLOWED.

    Of more than MOST_CLASSES classes, it lists those with the most changes.
    """
    table = intervention_table.changes(counts, STRETCH, SLOWED)
    changes = []
    for name, row in table.iterrows():
        others = row.drop(name)
        if others.sum():
            text = f"{others.sum()} of {row.sum()} {name} "
            text += f"(most to {others.idxmax()}: {others.max()})"
            changes.append((int(others.sum()), text))
    if not changes:
        return "No prediction changes."
    # The first ones by name where several have as many.
    most = sorted(range(len(changes)), key=lambda row: -changes[row][0])[:MOST_CLASSES]
    listed = [changes[row][1] for row in sorted(most)]
    more = len(changes) - len(listed)
    rest = f"; and of {more} more classes" if more else ""
    return f"Changed predictions: {'; '.join(listed)}{rest}."


def stretch_sentence(table: pd.DataFrame) -> str:
    """Which network loses most and least accuracy under time stretch."""
    return _most_and_least(table[table["intervention"] == STRETCH], "0.7 to 1.4 times the tempo")


def shift_sentence(
    table: pd.DataFrame, architectures: Mapping[str, str], heights: Mapping[str, int]
) -> str:
    """Which network loses most and least under pitch shift; whether small filters lose less.

    `heights` is m of each variant's filters.
    """
    shifts = table[table["intervention"] == SHIFT]
    most = shifts["amount"].abs().max()
    sentence = _most_and_least(shifts, f"shifts of up to {most:.0f} bands")
    losses = _losses(shifts)
    frequency = [v for v, a in architectures.items() if a == "Frequency" and v in losses]
    tallest = [v for v in frequency if heights[v] == max(heights[w] for w in frequency)]
    smaller = [v for v in frequency if v not in tallest]
    if not tallest or not smaller:
        return sentence
    return (
        f"{sentence} The paper expects that filters that do not span all bands lose less: filters "
        f"of {heights[tallest[0]]} bands lose {losses[tallest].mean():.1f} points on average, "
        f"smaller filters {losses[smaller].mean():.1f}."
    )


def _losses(table: pd.DataFrame) -> pd.Series:
    """Points of accuracy that each variant loses, averaged over the amounts; most first."""
    unchanged = {STRETCH: 1.0, SHIFT: 0.0}
    is_unchanged = table["amount"] == table["intervention"].map(unchanged)
    before = table[is_unchanged].set_index("variant")["accuracy_mean"]
    after = table[~is_unchanged].groupby("variant")["accuracy_mean"].mean()
    return (before - after).sort_values(ascending=False)


def _most_and_least(table: pd.DataFrame, amounts: str) -> str:
    losses = _losses(table)
    if len(losses) < 2:
        return f"Over {amounts}, {losses.index[0]} loses {losses.iloc[0]:.1f} points on average."
    return (
        f"Averaged over {amounts}, {losses.index[0]} loses most, {losses.iloc[0]:.1f} points, and "
        f"{losses.index[-1]} least, {losses.iloc[-1]:.1f}."
    )
