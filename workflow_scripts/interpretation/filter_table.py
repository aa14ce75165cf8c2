"""Read what the steps interpret and auralise wrote: filters/<variant>.csv, .npz, sounds.csv."""

from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts import checked_tables, checksums
from workflow_scripts.dataset.split import Tracks
from workflow_scripts.errors import UserError

# Names stay text, also those that look like numbers.
TEXTS = ("variant", "trunk", "most_affected_class", "track_id", "file", "checksum")
NAMES = dict.fromkeys(TEXTS, str)
# What an MP3 is, for its checksum in sounds.csv.
SOUND = "a sound"
NUMBERS = ("strength", "gain", "tempo", "offset")


def what(variant: str, tracks: Tracks) -> str:
    """What filters/<variant>.csv and .npz are, for their checksums."""
    return f"the filters of {variant} and of the tracks {tracks.key}"


def what_sounds(tracks: Tracks) -> str:
    """What sounds.csv is, for its checksum."""
    return f"the list of the sounds of the tracks {tracks.key}"


def read(csv: Path, variant: str, tracks: Tracks) -> pd.DataFrame:
    """A table of filters; most_affected_class is text, empty numbers are NaN.

    Raises UserError if it is damaged.
    """
    expected = what(variant, tracks)
    table = checked_tables.read(csv, expected, dtype=NAMES, keep_default_na=False)
    return table.assign(**{name: pd.to_numeric(table[name]) for name in NUMBERS})


def read_sounds(folder: Path, tracks: Tracks) -> pd.DataFrame:
    """The table of the sounds in `folder`. Raises UserError if it or one of them is damaged."""
    csv = folder / "sounds.csv"
    table = checked_tables.read(csv, what_sounds(tracks), dtype=NAMES, keep_default_na=False)
    for file, checksum in zip(table["file"], table["checksum"], strict=True):
        path = folder / file
        if not path.is_file() or checksums.of(SOUND, path.read_bytes()) != checksum:
            raise UserError(f"{path} is missing or damaged; remove {folder} and run snakemake")
    return table


def read_spectra(npz: Path, variant: str, tracks: Tracks) -> dict[str, np.ndarray]:
    """The arrays beside a table of filters. Raises UserError if they are damaged."""
    return checksums.read_npz(npz, what(variant, tracks))
