"""What the page says of filters: their tempi, and which of them can be heard."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

# Nearer than this a filter's tempo is that of its class.
NEAR = 0.05
OCTAVES = (0.25, 1 / 3, 0.5, 1, 2, 3, 4)


def read(csv: Path) -> pd.DataFrame:
    """A table written by `interpret`; names stay text, numbers that are not known are NaN."""
    table = pd.read_csv(csv, keep_default_na=False)
    numbers = ("strength", "gain", "tempo", "offset")
    return table.astype({"speaks_for": str}).assign(
        **{name: pd.to_numeric(table[name]) for name in numbers}
    )


def tempo_sentence(variant: str, table: pd.DataFrame, tempo_of: Mapping[str, float]) -> str:
    """How many filters have a tempo, and how many that of the class that they speak for.

    `tempo_of` is the median BPM of each class; empty where the tracks' tempi are not known.
    """
    temporal = table[table["tempo"].notna()]
    told = f"{variant}: {len(temporal)} filters have a tempo"
    speaking = temporal[temporal["speaks_for"].isin(tempo_of)]
    if not len(speaking):
        return f"{told}."
    ratio = speaking["tempo"].to_numpy() / speaking["speaks_for"].map(tempo_of).to_numpy()
    same = np.abs(ratio - 1) < NEAR
    octave = np.min([np.abs(ratio / factor - 1) for factor in OCTAVES], axis=0) < NEAR
    return (
        f"{told}; {100 * same.mean():.0f} per cent of these the median tempo of the class that "
        f"they speak for, {100 * octave.mean():.0f} per cent that or a multiple or fraction of it."
    )


def heard(folder: Path, add: Callable[[bytes], int]) -> dict[str, Any]:
    """The players of what `auralise` wrote; `add` takes an MP3 and gives the number to call it by.

    Empty where nothing can be heard.
    """
    table = pd.read_csv(folder / "sounds.csv", keep_default_na=False)
    if not len(table):
        return {}
    filters = []
    for (trunk, number), rows in table.groupby(["trunk", "filter"], sort=False):
        clips = []
        for (track_id, first), pair in rows.groupby(["track_id", "first_frame"], sort=False):
            files = pair.set_index("kind")["file"]
            clips.append(
                {
                    "title": f"{track_id}, from frame {first}",
                    "segment": add((folder / files["segment"]).read_bytes()),
                    "filter": add((folder / files["filter"]).read_bytes()),
                }
            )
        first_row = rows.iloc[0]
        tempo = f", {float(first_row['tempo']):.0f} BPM" if first_row["tempo"] != "" else ""
        speaks = f" speaks for {first_row['speaks_for']}" if first_row["speaks_for"] else ""
        filters.append({"title": f"Filter {number} of {trunk}{speaks}{tempo}", "clips": clips})
    variant, fold = table.iloc[0][["variant", "fold"]]
    return {
        "filters": filters,
        "sentence": (
            f"The strongest filters of {variant}, fold {fold}: without them the network would lose "
            "most. Each is heard on the test segments that excite it most, and on what is left of "
            "them where the filter has found what it looks for. Much of that is bass: use "
            "headphones. A filter may also look for quiet, which makes no sound."
        ),
    }
