"""Label music with trained models: the class of each track, its probability, and a timeline.

This needs only the packages in envs/label.txt, neither MXNet nor Snakemake.
"""

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from workflow_scripts.errors import UserError, printable
from workflow_scripts.labelling import picture
from workflow_scripts.labelling.find_audio import find
from workflow_scripts.labelling.formats import FORMATS, details
from workflow_scripts.labelling.label_tracks import Labelled, label_all
from workflow_scripts.labelling.progress import shown
from workflow_scripts.models import package
from workflow_scripts.process import run
from workflow_scripts.version import version

# Bytes. A file name has at most 255; the rest is for a number and the suffix.
LONGEST_STEM = 180


def n_cores() -> int:
    """The number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def positive(text: str) -> int:
    """Parse an integer of at least 1. Raises ValueError otherwise."""
    if int(text) < 1:
        raise ValueError
    return int(text)


def drawn(labelled: Iterable[Labelled], folder: Path) -> Iterator[Labelled]:
    """Yield the same tracks; write a picture of each to `folder`, named after the track."""
    taken: set[str] = set()
    for track in labelled:
        if track.prediction is not None:
            name = stem = printable(track.path.stem).encode()[:LONGEST_STEM].decode(errors="ignore")
            number = 1
            while name in taken:
                number += 1
                name = f"{stem}-{number}"
            taken.add(name)
            picture.write(folder / f"{name}.svg", track.path.name, track.prediction)
        yield track


def make_folder(folder: Path) -> None:
    """Make a folder. Raises UserError if that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as failure:
        raise UserError(
            f"cannot make the folder {folder}: {failure.strerror}; give another"
        ) from None


def main() -> None:
    """Read models and audio; print the labels and, with --plot, write pictures."""
    parser = argparse.ArgumentParser(
        prog="python -m workflow_scripts.commands.label", description=__doc__
    )
    parser.add_argument("--model", type=Path, required=True, help="model.zip, or one .onnx file")
    parser.add_argument("--format", choices=FORMATS, default="text", help="default: text")
    parser.add_argument("--plot", type=Path, metavar="FOLDER", help="write an SVG of each track")
    parser.add_argument(
        "--jobs", type=positive, default=n_cores(), help="tracks at a time (default: all cores)"
    )
    parser.add_argument("audio", type=Path, nargs="+", help="audio files, or folders of them")
    parser.add_argument("--version", action="version", version=version())
    options = parser.parse_args()

    package.check(options.model)
    if options.plot:
        make_folder(options.plot)
    found = find(options.audio)
    if found.n_ignored:
        print(f"{found.n_ignored} files without an audio suffix are ignored", file=sys.stderr)
    if not found.tracks:
        raise UserError(f"there is no audio in {options.audio[0]}; give files or another folder")
    n_tracks, n_bad, n_warned = len(found.tracks), 0, 0
    labelled = label_all(options.model, found.tracks, options.jobs)
    if n_tracks > 1:
        labelled = shown(labelled, n_tracks)
    if options.plot:
        labelled = drawn(labelled, options.plot)

    def counted() -> Iterator[dict[str, Any]]:
        nonlocal n_bad, n_warned
        for track in labelled:
            n_bad += track.prediction is None
            n_warned += track.prediction is not None and track.prediction.warning != ""
            yield details(track)

    try:
        for text in FORMATS[options.format](counted()):
            print(text, end="", flush=True)
    except BrokenPipeError:
        # The reader has closed the pipe, as `head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return
    if n_warned:
        print(f"{n_warned} of {n_tracks} tracks have a warning; see the output", file=sys.stderr)
    if n_bad:
        raise UserError(f"{n_bad} of {n_tracks} tracks could not be labelled; see the output")


if __name__ == "__main__":
    run(main, interrupted="interrupted")
