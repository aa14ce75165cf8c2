"""Texts of the page about filters: their tempi, and the sounds that they pass."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts.dataset.split import Tracks
from workflow_scripts.interpretation import filter_table
from workflow_scripts.report import segment_texts

# Relative difference below which a filter has the tempo of its class.
NEAR = 0.05
OCTAVES = (0.25, 1 / 3, 0.5, 1, 2, 3, 4)


def tempo_sentence(variant: str, table: pd.DataFrame, tempo_of: Mapping[str, float]) -> str:
    """The number of filters with a tempo, and the share with that of their most affected class.

    `tempo_of` is the median BPM of each class; empty if the tracks' tempi are unknown.
    """
    temporal = table[table["tempo"].notna()]
    have = "filter has" if len(temporal) == 1 else "filters have"
    sentence = f"{variant}: {len(temporal)} {have} a tempo"
    known = temporal[temporal["most_affected_class"].isin(tempo_of)]
    if not len(known):
        return f"{sentence}."
    ratio = known["tempo"].to_numpy() / known["most_affected_class"].map(tempo_of).to_numpy()
    same = np.abs(ratio - 1) < NEAR
    octave = np.min([np.abs(ratio / factor - 1) for factor in OCTAVES], axis=0) < NEAR
    return (
        f"{sentence}; {100 * same.mean():.0f} % of these have the median tempo of their most "
        f"affected class, {100 * octave.mean():.0f} % this tempo or a multiple or fraction of it."
    )


def sounds(
    folder: Path, tracks: Tracks, frame_rate: float, add: Callable[[bytes], int]
) -> dict[str, Any]:
    """The players of the sounds that the step auralise wrote; empty if there are none.

    `add` takes an MP3 and returns the number by which players refer to it.
    """
    table = filter_table.read_sounds(folder, tracks)
    if not len(table):
        return {}
    filters = []
    of_filters = table.groupby(["trunk", "filter"], sort=False)
    for position, ((trunk, number), rows) in enumerate(of_filters):
        clips = []
        for (track_id, first), pair in rows.groupby(["track_id", "first_frame"], sort=False):
            files = pair.set_index("kind")["file"]
            clips.append(
                {
                    "title": f"{track_id}, from {first / frame_rate:.1f} s",
                    "segment": add((folder / files["segment"]).read_bytes()),
                    "filter": add((folder / files["filter"]).read_bytes()),
                }
            )
        first_row = rows.iloc[0]
        tempo = f", {float(first_row['tempo']):.0f} BPM" if first_row["tempo"] != "" else ""
        affected = first_row["most_affected_class"]
        label = f", most affected class {affected}" if affected else ""
        filters.append(
            {
                "title": f"Filter {number} of {trunk}{label}{tempo}",
                "figure": segment_texts.figure_name(position),
                "clips": clips,
            }
        )
    variant, fold = table.iloc[0][["variant", "fold"]]
    return {
        "filters": filters,
        "sentence": (
            f"These are the strongest filters of {variant}, fold {fold}: without them, the "
            "probability of the labels drops most. For each filter you can play the test segments "
            "that it responds to most, and the part of them that the filter passes. Much of it is "
            "bass, so use headphones. A filter may also respond to silence, which makes no sound."
        ),
    }
