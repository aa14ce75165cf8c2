"""What lies in a folder: one scan, cheap enough to ask for at every start."""

import contextlib
import csv
import hashlib
import os
import stat
import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple

LISTING = "tracks.csv"


class File(NamedTuple):
    """A file by its path, size in bytes and time of change in nanoseconds.

    The size of what cannot be read as a file, a link to nothing or a device, is -1.
    """

    path: str
    size: int
    mtime_ns: int

    @classmethod
    def at(cls, path: str) -> "File":
        """The file as it is now."""
        try:
            status = os.stat(path)
        except (OSError, ValueError):
            return cls(path, -1, 0)
        return cls._of(path, status)

    @classmethod
    def _of(cls, path: str, status: os.stat_result) -> "File":
        regular = stat.S_ISREG(status.st_mode)
        return cls(path, status.st_size if regular else -1, status.st_mtime_ns)


def scan(folder: str) -> Iterator[File]:
    """All files below a folder, hidden ones left out, links followed except those that lead back.

    Raises OSError for a folder that cannot be read.
    """
    yield from _scan(folder, frozenset())


def fingerprint(folder: str | None) -> str | None:
    """A digest of the names, sizes and times of a data set's files; None for no folder.

    These are the files that its tracks.csv names or, where it has none, all files below it.
    """
    if folder is None:
        return None
    listing = os.path.join(folder, LISTING)
    return _digest(folder, _listed(listing) if os.path.isfile(listing) else scan(folder))


def fingerprint_of_all(folder: str) -> str:
    """A digest of the names, sizes and times of all files below a folder."""
    return _digest(folder, scan(folder))


def _digest(folder: str, files: Iterable[File]) -> str:
    digest = hashlib.sha256()
    for path, size, mtime_ns in sorted(files):
        entry = (path[len(folder) :], size, mtime_ns)
        digest.update(repr(entry).encode(errors="surrogateescape"))
    return digest.hexdigest()


def _scan(folder: str, ancestors: frozenset[tuple[int, int]]) -> Iterator[File]:
    status = os.stat(folder)
    here = (status.st_dev, status.st_ino)
    if here in ancestors:
        return
    below = ancestors | {here}
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if is_folder(entry):
                yield from _scan(entry.path, below)
            elif entry.is_symlink():
                yield File.at(entry.path)
            else:
                yield File._of(entry.path, entry.stat())


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder or a link to one; a link to itself is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def existing_form(path: str) -> str:
    """The path in the Unicode form that the file's name is in; as it is where there is none.

    macOS decomposes the letters of names that are typed composed everywhere else.
    """
    if path.isascii():
        return path
    forms = (path, unicodedata.normalize("NFC", path), unicodedata.normalize("NFD", path))
    return next((form for form in forms if os.path.exists(form)), path)


def _listed(listing: str) -> Iterator[File]:
    yield File.at(listing)
    with (
        open(listing, newline="", encoding="utf-8-sig", errors="surrogateescape") as file,
        # What is wrong with the table is said where its tracks are listed.
        contextlib.suppress(csv.Error),
    ):
        for row in csv.DictReader(file):
            path = os.path.join(os.path.dirname(listing), row.get("path") or "")
            yield File.at(existing_form(path))
