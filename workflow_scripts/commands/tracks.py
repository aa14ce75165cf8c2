"""List the tracks of a mirdata data set in a tracks.csv, for dataset=folder.

mirdata is an optional package, which this command imports. Nothing is downloaded.
"""

import argparse
import difflib
import logging
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mirdata
import pandas as pd

from workflow_scripts.atomic_files import atomic
from workflow_scripts.dataset import labelled_objects, split
from workflow_scripts.dataset.scan import LISTING
from workflow_scripts.errors import FEW, UserError, listed
from workflow_scripts.process import run


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the index and annotations of a data set; write tracks.csv."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data_set", help="as mirdata names it, for example gtzan_genre")
    parser.add_argument("--home", type=Path, help="its folder; by default where mirdata puts it")
    parser.add_argument("--version", default="default", help="of the data set")
    parser.add_argument(
        "--label", default="", help="attribute of a track; default: the obvious one"
    )
    parser.add_argument(
        "--audio", default="", help="attribute of a track with the path of its audio"
    )
    parser.add_argument("--file", type=Path, help=f"{LISTING} to write; default: in the home")
    parser.add_argument("--replace", action="store_true", help="replace another file")
    options = parser.parse_args(arguments)

    home, tracks = opened(options.data_set, options.home, options.version)
    file = options.file or home / LISTING
    if file.name != LISTING:
        raise UserError(
            f"the workflow reads {LISTING}, not {file.name}; give FILE=FOLDER/{LISTING}"
        )
    try:
        audio = labelled_objects.audio_attribute(tracks[0], options.audio)
        found, missing = on_disk(tracks, audio, home)
        table = labelled_objects.table(found, audio, options.label)
    except UserError as problem:
        raise UserError(f"{options.data_set}: {problem}") from None
    without = table.loc[table["label"] == "", "track_id"].tolist()
    table = table[table["label"] != ""]
    write(file, table, options.replace)
    for reason, names in (("audio on disk", missing), ("label", without)):
        if names:
            print(
                f"note: {len(names)} of {len(tracks)} tracks have no {reason} and are left out: "
                f"{listed(names, FEW)}"
            )
    print(*summary(options.data_set, file, table), sep="\n")


def opened(name: str, home: Path | None, version: str) -> tuple[Path, list[Any]]:
    """The folder of a data set of mirdata, and its tracks.

    Raises UserError if mirdata does not know it or lacks its index, and without the folder.
    """
    known = mirdata.list_datasets()
    if name not in known:
        close = difflib.get_close_matches(name, known, n=3)
        hint = f"did you mean {' or '.join(close)}?" if close else f"it has {', '.join(known)}"
        raise UserError(f"mirdata has no data set {name}; {hint}")
    try:
        data_set = mirdata.initialize(name, data_home=home and str(home), version=version)
    except ValueError as reason:
        raise UserError(f"mirdata cannot open {name}: {reason}; change VERSION") from None
    except ImportError:
        raise UserError(
            f"mirdata needs more packages for {name}; install them: "
            f"{shlex.quote(sys.executable)} -m pip install 'mirdata[{name}]'"
        ) from None
    folder = Path(data_set.data_home)
    if not folder.is_dir():
        raise UserError(f"{folder} is not a folder; give that of {name} as DATA_HOME=FOLDER")
    if not Path(data_set.index_path).is_file():
        raise UserError(
            f'mirdata has not downloaded its index of {name}; run python -c "import mirdata; '
            f"mirdata.initialize('{name}', version='{version}').download(['index'])\""
        )
    try:
        tracks = [*data_set.load_tracks().values()]
    # For a data set without tracks, mirdata documents the first and raises the second.
    except (NotImplementedError, AttributeError):
        tracks = []
    if not tracks:
        raise UserError(f"mirdata has no tracks of {name} in version {data_set.version}")
    return folder, tracks


def on_disk(tracks: Sequence[Any], audio: str, home: Path) -> tuple[list[Any], list[str]]:
    """The tracks whose audio is there, and the names of the others. Raises UserError if none is."""
    found = [track for track in tracks if os.path.isfile(getattr(track, audio) or "")]  # noqa: PTH113
    if not found:
        paths = [path for track in tracks if (path := getattr(track, audio))]
        raise UserError(
            f"none of its {len(tracks)} audio files is in {home}, for example {paths[0]}; check "
            "DATA_HOME and VERSION"
        )
    here = {track.track_id for track in found}
    return found, [track.track_id for track in tracks if track.track_id not in here]


def write(file: Path, table: pd.DataFrame, replace: bool) -> None:
    """Write the table with paths from the folder of `file`.

    Raises UserError if there is another file, unless `replace`, or if the folder cannot be written.
    """
    folder = file.parent.resolve()
    if not folder.is_dir():
        raise UserError(f"{file.parent} is not a folder; make it, or give another FILE")
    absolute = [Path(path).resolve() for path in table["path"]]
    paths = [p.relative_to(folder) if p.is_relative_to(folder) else p for p in absolute]
    text = table.assign(path=[*map(str, paths)]).to_csv(index=False, lineterminator="\n")
    if file.exists() and not replace and file.read_bytes() != text.encode():
        raise UserError(
            f"{file} exists and is another list; give another FILE, or replace it with REPLACE=1"
        )
    if not os.access(folder, os.W_OK):
        raise UserError(f"{file.parent} cannot be written; give FILE=FOLDER/{LISTING}")
    with atomic(file) as path:
        path.write_text(text, encoding="utf-8")


def summary(name: str, file: Path, table: pd.DataFrame) -> list[str]:
    """What was written, and how to use it."""
    sizes = table["label"].value_counts().sort_index()
    classes = listed([f"{label} {n}" for label, n in sizes.items()])
    lines = [f"{file}: {len(table)} tracks of {len(sizes)} classes: {classes}"]
    if "split" in table:
        parts = table["split"].value_counts()
        found = ", ".join(f"{n} {part}" for part, n in parts.items())
        whole = set(split.PARTS) == set(parts.index)
        use = "split_by=split uses it" if whole else "split_by needs all three parts"
        lines.append(f"Its column split has {found}; {use}.")
    lines.append(f"To use it: --config dataset=folder audio_dir={file.parent} name={name}")
    return lines


if __name__ == "__main__":
    # Loaders log what the sentences here say.
    logging.disable()
    run(main)
