"""The shards of an experiment, and their tables: the index of the features, onsets, tempi."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from workflow_scripts.errors import UserError


def shard_of(digest: str, n_shards: int) -> int:
    """The shard, 0 ... n_shards - 1, of the features of the audio with this content digest."""
    return int(digest[:16], 16) % n_shards


def what(column: str) -> str:
    """What a table with this column is, for its checksum."""
    return f"a table of the {column} of a shard"


def of_contents(
    tables: Sequence[Path],
    digests: Sequence[str] | np.ndarray,
    read: Callable[[Path], pd.DataFrame],
) -> pd.DataFrame:
    """The rows of these content digests, in their order, with a column `shard`, int.

    `read` reads one of `tables`, which has a column digest. Raises UserError if a digest is in none
    of them or in several.
    """
    wanted = pd.Index(digests)
    found = []
    for number, csv in enumerate(tables):
        table = read(csv)
        found.append(table[table["digest"].isin(wanted)].assign(shard=number))
    rows = pd.concat(found).set_index("digest")
    _check(tables, rows, wanted)
    return rows.loc[wanted].rename_axis("digest")


def _check(tables: Sequence[Path], rows: pd.DataFrame, wanted: Collection[str]) -> None:
    missing = sorted(set(wanted) - set(rows.index))
    if missing:
        csv = tables[shard_of(missing[0], len(tables))]
        # Beside the folder of the features or, for onsets, of the front end above it.
        above = [folder / "contents" for folder in csv.parents[1:3]]
        listed = next(filter(Path.is_dir, above), above[0]) / f"{csv.stem}.txt"
        raise UserError(
            f"{csv} lacks the audio content {missing[0][:16]}: it, or {listed}, is damaged or of "
            "another experiment; remove both and run snakemake"
        )
    twice = rows[rows.index.duplicated(keep=False)]
    if len(twice):
        first, second = (tables[number] for number in twice.loc[[twice.index[0]], "shard"][:2])
        raise UserError(
            f"{first} and {second} have the same audio content, so one is a copy of the other; "
            "remove both and run snakemake"
        )
