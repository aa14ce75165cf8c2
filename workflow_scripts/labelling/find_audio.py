"""Find the audio files to label."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from workflow_scripts.audio.suffixes import SUFFIXES
from workflow_scripts.dataset.scan import scan
from workflow_scripts.errors import UserError


@dataclass(frozen=True)
class Found:
    """Files to label, and the number of other files in the folders, without an audio suffix."""

    tracks: list[Path]
    n_ignored: int


def find(paths: Iterable[Path]) -> Found:
    """The files in `paths`, and the files with an audio suffix in its folders.

    They are in the order of `paths`, those of a folder sorted. A file in `paths` may have any
    suffix. Each file is returned once. Raises UserError if a folder cannot be read.
    """
    tracks: dict[Path, None] = {}
    n_ignored = 0
    for path in paths:
        if not os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises for some names.
            tracks[path] = None
            continue
        try:
            files = sorted(Path(file.path) for file in scan(str(path)))
        except OSError as failure:
            raise UserError(
                f"cannot read the folder {failure.filename or path}: {failure.strerror}; change "
                "its permissions or give another folder"
            ) from None
        audio = [file for file in files if file.suffix.lower() in SUFFIXES]
        n_ignored += len(files) - len(audio)
        tracks.update(dict.fromkeys(audio))
    return Found(list(tracks), n_ignored)
