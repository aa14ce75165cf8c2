"""List the files in a folder, fast enough to be done at every start of the workflow."""

import contextlib
import csv
import hashlib
import io
import os
import stat
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from workflow_scripts.audio.suffixes import SUFFIXES
from workflow_scripts.errors import UserError
from workflow_scripts.regular_files import open_regular

LISTING = "tracks.csv"
MOST_VISITS = 100


class File(NamedTuple):
    """The path, size in bytes, modification time in nanoseconds and permissions of a file.

    The size is -1 if the path is not a regular file, for example a broken link or a device. The
    permissions are here because a file that becomes readable has to be read.
    """

    path: str
    size: int
    mtime_ns: int
    mode: int

    @classmethod
    def at(cls, path: str) -> "File":
        """The current state of the file at `path`."""
        try:
            status = os.stat(path)
        except (OSError, ValueError):
            return cls(path, -1, 0, 0)
        return cls._of(path, status)

    @classmethod
    def _of(cls, path: str, status: os.stat_result) -> "File":
        regular = stat.S_ISREG(status.st_mode)
        size = status.st_size if regular else -1
        return cls(path, size, status.st_mtime_ns, stat.S_IMODE(status.st_mode))


def scan(folder: str) -> Iterator[File]:
    """All files in a folder and its sub-folders, except hidden ones.

    Links are followed unless they lead back to a parent folder. An empty folder that is named like
    audio is among the files, with the size -1. Raises OSError if a folder cannot be read, and
    UserError if more than MOST_VISITS paths lead to a folder: folders that link to each other would
    make the listing endless.
    """
    visits: Counter[tuple[int, int]] = Counter()
    waiting: list[tuple[str, frozenset[tuple[int, int]]]] = [(folder, frozenset())]
    while waiting:
        path, ancestors = waiting.pop()
        try:
            status = os.stat(path)
            here = (status.st_dev, status.st_ino)
            if here in ancestors:
                continue
            entries = _visible(path)
        except (FileNotFoundError, NotADirectoryError):
            # A folder may vanish during the scan, or become a file.
            if path == folder:
                raise
            continue
        visits[here] += 1
        if visits[here] > MOST_VISITS:
            raise UserError(
                f"more than {MOST_VISITS} paths lead to the folder {path}; remove links between "
                "folders"
            )
        if not entries and os.path.splitext(path)[1].lower() in SUFFIXES and path != folder:
            yield File._of(path, status)
        for entry in entries:
            if is_folder(entry):
                waiting.append((entry.path, ancestors | {here}))
            elif entry.is_symlink():
                yield File.at(entry.path)
            else:
                # A file may vanish during the scan.
                with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                    yield File._of(entry.path, entry.stat())


def _visible(folder: str) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        return [entry for entry in entries if not entry.name.startswith(".")]


def fingerprint(folder: str | None) -> str | None:
    """A digest of the names, sizes, times and permissions of a data set's files.

    The files are tracks.csv and those that it lists or, without a tracks.csv, all files in the
    folder. Returns None if `folder` is None.
    """
    if folder is None:
        return None
    listing = os.path.join(folder, LISTING)
    return _digest(folder, _listed(listing) if os.path.isfile(listing) else scan(folder))


def fingerprint_of_all(folder: str) -> str:
    """A digest of the names, sizes, times and permissions of all files in a folder."""
    return _digest(folder, scan(folder))


def _digest(folder: str, files: Iterable[File]) -> str:
    digest = hashlib.sha256()
    # The step that lists the files reports a folder that cannot be read.
    with contextlib.suppress(OSError, UserError):
        for path, *state in sorted(files):
            entry = (path[len(folder) :], *state)
            digest.update(repr(entry).encode(errors="surrogateescape"))
    return digest.hexdigest()


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether the entry is a folder or a link to one; false for a link to itself."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def existing_form(path: str) -> str:
    """`path` in the Unicode form under which the file exists; unchanged if there is no file.

    File names from macOS are often decomposed (NFD); elsewhere names are composed (NFC).
    """
    if path.isascii():
        return path
    forms = (path, unicodedata.normalize("NFC", path), unicodedata.normalize("NFD", path))
    return next((form for form in forms if os.path.exists(form)), path)


def _listed(listing: str) -> Iterator[File]:
    yield File.at(listing)
    with (
        io.TextIOWrapper(
            open_regular(listing), "utf-8-sig", errors="surrogateescape", newline=""
        ) as file,
        # `tracks.track_list` reports errors in the table.
        contextlib.suppress(csv.Error),
    ):
        for row in csv.DictReader(file):
            path = os.path.join(os.path.dirname(listing), row.get("path") or "")
            yield File.at(existing_form(path))
