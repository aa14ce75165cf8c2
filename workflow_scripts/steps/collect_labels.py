"""Collect the labels of all shards in labels.csv and labels.json."""

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workflow_scripts.atomic_files import atomic
from workflow_scripts.errors import printable
from workflow_scripts.labelling.formats import as_csv, as_json
from workflow_scripts.process import run


@dataclass(frozen=True, order=True)
class Place:
    """Where the label of a track is: the track's path, the shard, the position in bytes."""

    track: str
    shard: Path
    start: int


def read(shard: Path, start: int = 0) -> Iterator[tuple[Place, dict[str, Any]]]:
    """The labels in a shard, in its order, from the line at `start`; each has its own line."""
    with shard.open("rb") as file:
        file.seek(start)
        for line in file:
            if line.startswith(b"{"):
                track = json.loads(line.rstrip().removesuffix(b","))
                yield Place(track["path"], shard, start), track
            start += len(line)


class Tracks:
    """The labels at `places`. They are read again in each loop: their timelines are long."""

    def __init__(self, places: Iterable[Place]) -> None:
        self._places = sorted(places)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for place in self._places:
            yield next(read(place.shard, place.start))[1]


def write(
    path: Path,
    formatted: Callable[[Iterable[Mapping[str, Any]]], Iterator[str]],
    tracks: Iterable[Mapping[str, Any]],
) -> None:
    """Write the tracks in a format of `labelling.formats`."""
    with atomic(path) as partial, partial.open("w", encoding="utf-8") as file:
        for text in formatted(tracks):
            file.write(text)


def main() -> None:
    """Read the labels of the shards; write labels.csv and labels.json; print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shards", type=Path, nargs="+", required=True, help="JSON files")
    parser.add_argument("--labels", type=Path, required=True, help=".csv to write, .json beside")
    options = parser.parse_args()

    counts, places, warned = Counter[str](), [], 0
    for shard in options.shards:
        for place, track in read(shard):
            places.append(place)
            counts.update([track["class"]] if "class" in track else [])
            warned += bool(track.get("warning"))
    tracks = Tracks(places)
    write(options.labels.with_suffix(".json"), as_json, tracks)
    write(options.labels, as_csv, tracks)
    per_class = "".join(f", {printable(name)} {count}" for name, count in counts.most_common())
    n = counts.total()
    print(f"{n} track{'' if n == 1 else 's'} labelled{per_class}: {options.labels}")
    if bad := len(places) - n:
        print(f"{bad} could not be labelled; see the column problem")
    if warned:
        print(f"{warned} have a warning; see the column warning")


if __name__ == "__main__":
    run(main)
