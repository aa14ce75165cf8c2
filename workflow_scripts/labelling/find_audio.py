"""Which files are to be labelled."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from workflow_scripts.audio.suffixes import SUFFIXES
from workflow_scripts.dataset.scan import scan
from workflow_scripts.errors import UserError


@dataclass(frozen=True)
class Found:
    """Files to label, and how many of the folders' files have a name of no audio."""

    tracks: list[Path]
    n_left_alone: int


def find(paths: Iterable[Path]) -> Found:
    """The files named, and those in the folders named whose names promise audio, sorted.

    A file that is named is one to label, whatever its name. Each counts once. Raises UserError for
    a folder that cannot be read.
    """
    tracks: dict[Path, None] = {}
    n_left_alone = 0
    for path in paths:
        if not os.path.isdir(path):  # noqa: PTH112 - Path's raises for some names.
            tracks[path] = None
            continue
        try:
            files = sorted(Path(file.path) for file in scan(str(path)))
        except OSError as failure:
            raise UserError(
                f"cannot read the folder {failure.filename or path}: {failure.strerror}; set its "
                "permissions, or name other folders"
            ) from None
        promising = [file for file in files if file.suffix.lower() in SUFFIXES]
        n_left_alone += len(files) - len(promising)
        tracks.update(dict.fromkeys(promising))
    return Found(list(tracks), n_left_alone)
