"""Collect the labels of all shards in labels.csv and labels.json."""

import argparse
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from workflow_scripts.atomic_files import atomic
from workflow_scripts.errors import printable
from workflow_scripts.labelling.formats import as_csv, as_json
from workflow_scripts.process import run


def write(
    path: Path,
    formatted: Callable[[Iterable[Mapping[str, Any]]], Iterator[str]],
    tracks: list[dict[str, Any]],
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

    tracks = [track for shard in options.shards for track in json.loads(shard.read_text())]
    tracks.sort(key=lambda track: track["path"])
    write(options.labels.with_suffix(".json"), as_json, tracks)
    write(options.labels, as_csv, tracks)
    counts = Counter(track["class"] for track in tracks if "class" in track)
    per_class = "".join(f", {printable(name)} {n}" for name, n in counts.most_common())
    print(f"{counts.total()} tracks labelled{per_class}: {options.labels}")
    if bad := len(tracks) - counts.total():
        print(f"{bad} could not be labelled; see the column problem")
    if warned := sum(bool(track.get("warning")) for track in tracks):
        print(f"{warned} have a warning; see the column warning")


if __name__ == "__main__":
    run(main)
