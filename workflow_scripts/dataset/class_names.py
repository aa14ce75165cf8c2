"""Which class names a model can have."""

import json
import unicodedata
from collections.abc import Iterable, Sequence

MOST_CLASSES = 1000
# Characters.
LONGEST_NAME = 255
# Bytes of all names as JSON, which a model's metadata hold.
LONGEST_NAMES = 240 << 10
# Categories of Unicode characters that are not visible: separators, control and format characters,
# and marks without a letter. Fillers and the blank of Braille count as letters and symbols.
INVISIBLE = ("Z", "C", "M")
BLANK = "\u115f\u1160\u2800\u3164\uffa0"
# Those that break a line, move a cursor or cannot be written as UTF-8.
FORBIDDEN = ("Cc", "Cs", "Zl", "Zp")


def problem(names: Sequence[str]) -> str | None:
    """What prevents these class names, as a clause that can follow "has"; None if they are valid.

    Names are compared after Unicode normalisation (NFC): two forms of `é` look the same.
    """
    if not 2 <= len(names) <= MOST_CLASSES:
        return f"{len(names)} classes, not 2 to {MOST_CLASSES}"
    if invalid := problem_of_any(names):
        return invalid
    if (n_bytes := len(json.dumps(list(names)))) > LONGEST_NAMES:
        return f"class names of {n_bytes:,} bytes in JSON, more than {LONGEST_NAMES:,}"
    seen: set[str] = set()
    for name in names:
        normal = unicodedata.normalize("NFC", name)
        if normal in seen:
            return f"two classes with the name {name}"
        seen.add(normal)
    return None


def problem_of_any(names: Iterable[str]) -> str | None:
    """As `problem`, but of each name by itself; the names may be too few."""
    for name in names:
        if not is_visible(name):
            return f"a class with the name {name!r}, which is blank"
        if len(name) > LONGEST_NAME:
            return f"a class with a name of {len(name)} characters, more than {LONGEST_NAME}"
        if any(unicodedata.category(character) in FORBIDDEN for character in name):
            return f"a class {name!r} with a control character in its name"
    return None


def is_visible(name: str) -> bool:
    """Whether a name has a character that can be seen."""
    return any(
        unicodedata.category(character)[0] not in INVISIBLE and character not in BLANK
        for character in name
    )
