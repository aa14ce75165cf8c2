"""The state of a folder of audio, cheap enough to ask for at every start."""

import contextlib
import csv
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path


def fingerprint(folder: str | Path | None) -> str | None:
    """A digest of names, sizes and times of what `folder` holds; None for no folder.

    That is all files below it, below class folders that are links, and those its tracks.csv names.
    """
    if folder is None:
        return None
    digest = hashlib.sha256()
    for path in sorted(_files(str(folder))):
        if os.path.isfile(path):
            status = os.stat(path)
            entry = (os.path.relpath(path, folder), status.st_size, status.st_mtime_ns)
            digest.update(repr(entry).encode(errors="surrogateescape"))
    return digest.hexdigest()


def _files(folder: str) -> Iterator[str]:
    links = [entry.path for entry in os.scandir(folder) if entry.is_symlink() and entry.is_dir()]
    # Links further down are not followed: they may lead back.
    for top in [folder, *links]:
        for parent, _, names in os.walk(top):
            yield from (os.path.join(parent, name) for name in names)
    listing = os.path.join(folder, "tracks.csv")
    if os.path.isfile(listing):
        with (
            open(listing, newline="", encoding="utf-8-sig", errors="surrogateescape") as file,
            # What is wrong with the table is said where its tracks are listed.
            contextlib.suppress(csv.Error),
        ):
            for row in csv.DictReader(file):
                yield os.path.join(folder, row.get("path") or "")
