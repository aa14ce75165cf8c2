"""Errors that the user can fix, and text that is safe to print."""

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


class UserError(Exception):
    """An error that the user can fix. Its text says what is wrong, where, and what to do."""


# A full disk, a missing permission: the user can fix these, whatever the program was doing.
FIXABLE_OS_ERRORS = frozenset(
    {
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EFBIG,
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.EISDIR,
        errno.EEXIST,
        errno.ELOOP,
        errno.ENAMETOOLONG,
        errno.ESTALE,
        errno.ENOTDIR,
    }
)

# Numbers of names that a sentence lists; the smaller one is for names with details.
MOST_NAMES, FEW = 10, 5


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what a reader raises for a damaged file of results into a UserError."""
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UserError(
            f"{path} is damaged or of another version of the workflow; remove it and run snakemake"
        ) from None


def listed(names: Sequence[str], most: int = MOST_NAMES, separator: str = ", ") -> str:
    """At most `most` names, and how many more there are."""
    shown = separator.join(names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown


def encodable(text: str) -> str:
    """`text` with bytes that are not UTF-8, as in file names, escaped."""
    return text.encode(errors="backslashreplace").decode()


def printable(text: str) -> str:
    """`text` with control characters escaped, so that it cannot move a terminal's cursor."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )
