"""Names that look alike: they differ only by blanks, invisible characters or case."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable

import pandas as pd

from workflow_scripts.errors import FEW, listed

# Unicode categories of control and format characters, such as the zero-width space.
INVISIBLE_CATEGORIES = ("Cc", "Cf")
# Letters, symbols and marks without a shape: grapheme joiner, Hangul fillers, empty Braille.
INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
VARIATION_SELECTORS = range(0xFE00, 0xFE10)


def tidy(name: str) -> str:
    """`name` composed (NFC), without invisible characters; each run of blanks is one blank.

    There are no blanks at its ends; a name without a visible character is empty.
    """
    visible = "".join(c for c in name if c.isspace() or not _is_invisible(c))
    return unicodedata.normalize("NFC", " ".join(visible.split()))


def shape(name: str) -> str:
    """What is left of a name without blanks, invisible characters and case."""
    return unicodedata.normalize("NFC", "".join(tidy(name).split()).casefold())


def alike(names: Iterable[str]) -> list[list[str]]:
    """The names that look like another one, in groups, sorted."""
    shapes: dict[str, list[str]] = defaultdict(list)
    for name in sorted(set(names)):
        shapes[shape(name)].append(name)
    return [group for group in shapes.values() if len(group) > 1]


def alike_in(column: pd.Series) -> str:
    """The groups of `alike` among the texts of a column, with the number of each; empty if none."""
    counts = column.value_counts()
    return listed(
        [
            " and ".join(f"{shown(name)} ({counts[name]})" for name in group)
            for group in alike(counts.index)
        ],
        FEW,
        "; ",
    )


def shown(name: str) -> str:
    """`name` in quotes, with its invisible characters escaped."""
    return "".join(
        c.encode("unicode_escape").decode("ascii") if _is_invisible(c) else c for c in repr(name)
    )


def _is_invisible(character: str) -> bool:
    return (
        unicodedata.category(character) in INVISIBLE_CATEGORIES
        or character in INVISIBLE
        or ord(character) in VARIATION_SELECTORS
    )
