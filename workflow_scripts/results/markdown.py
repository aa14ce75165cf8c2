"""Escape text for Markdown, in tables and model cards."""

import re

import pandas as pd

from workflow_scripts.errors import printable

# Characters that format text, start an entity or end a cell. An underscore within a word does not.
_SPECIAL = re.compile(r"[\\`*\[\]<>|#&$~]|(?<![^\W_])_|_(?![^\W_])")


def escaped(text: str) -> str:
    """Text that a Markdown viewer shows as it is; control characters are `printable`."""
    return _SPECIAL.sub(r"\\\g<0>", printable(text))


def table_lines(shown: pd.DataFrame) -> list[str]:
    """The lines of an aligned table of texts; they are shown as they are."""
    rows = [list(shown.columns), *shown.to_numpy().tolist()]
    cells = [[escaped(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(shown.columns))]
    lines = [
        "| " + " | ".join(c.ljust(w) for c, w in zip(r, widths, strict=True)) + " |" for r in cells
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return [lines[0], rule, *lines[1:]]
