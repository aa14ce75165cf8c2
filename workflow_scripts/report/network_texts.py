"""Texts of the page about the training of each network."""

from collections.abc import Sequence

import pandas as pd


def learning(histories: Sequence[pd.DataFrame]) -> str:
    """A sentence on the number of epochs of each fold and the best epochs."""
    kept = [int(h.loc[h["validation_accuracy"].idxmax(), "epoch"]) for h in histories]
    lengths = [len(history) for history in histories]
    trained = _range(lengths)
    each = " per fold" if len(histories) > 1 else ""
    return f"Trained for {trained} epochs{each}; best epoch: {_range(kept)}."


def _range(values: Sequence[int]) -> str:
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low} to {high}"
