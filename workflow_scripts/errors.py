"""Errors that the user can fix, and text that is safe to print."""

import errno


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


def printable(text: str) -> str:
    """`text` with control characters escaped, so that it cannot move a terminal's cursor."""
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text
    )
