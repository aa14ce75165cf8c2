"""Escape text for Markdown, in tables and model cards."""

import re

from workflow_scripts.errors import printable

# Characters that format text, start an entity or end a cell. An underscore within a word does not.
_SPECIAL = re.compile(r"[\\`*\[\]<>|#&$~]|(?<![^\W_])_|_(?![^\W_])")


def escaped(text: str) -> str:
    """Text that a Markdown viewer shows as it is; control characters are `printable`."""
    return _SPECIAL.sub(r"\\\g<0>", printable(text))
