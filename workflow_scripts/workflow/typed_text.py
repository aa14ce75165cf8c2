"""Text in --config as it was typed.

Snakemake reads each value of --config as a number, a list or YAML if it can, after it removed the
quotes: `name=001` becomes 1, `name=20240501_2` becomes 202405012, `audio_dir=/a #1` becomes /a.
"""

import sys
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any

import yaml

from workflow_scripts.errors import UserError

# How YAML writes null, and how Snakemake passes on the null of a profile.
NULLS = ("", "~", "null")
NULL_OF_A_PROFILE = "None"
# For a text in a file without quotes, which YAML has read as something else.
HINT = ", as YAML reads it; put the text in quotes"


def keep(
    config: dict[str, Any],
    entries: Sequence[str] | None,
    keys: Collection[str],
    command: Sequence[str] | None = None,
) -> None:
    """Set those of `keys` that are in `entries` ("key=value") to the text that was typed, in place.

    A text in quotes is read as YAML reads it; an empty text, ~ and null are None. An entry that is
    not in the words of the `command` (by default this process's) comes from a profile.

    Raises UserError for a value of a profile that YAML may have changed before, such as 001.
    """
    command = sys.argv if command is None else command
    for entry in entries or ():
        key, _, text = entry.partition("=")
        if key in keys:
            config[key] = _typed(text) if entry in command else _of_a_profile(key, text)


def _typed(text: str) -> str | None:
    bare = text.strip()
    if bare[:1] in ("'", '"'):
        # Text that only begins with a quote stays as it is.
        with suppress(yaml.YAMLError):
            quoted = yaml.safe_load(bare)
            return quoted if isinstance(quoted, str) else text
    return None if text in NULLS else text


def _of_a_profile(key: str, text: str) -> str | None:
    if text == NULL_OF_A_PROFILE:
        return None
    value = _typed(text)
    # A quoted text has lost its quotes.
    if value == text and not isinstance(_read(text), str):
        raise UserError(
            f"{key} in the profile is {text}, which YAML reads as a number or the like and may "
            f"have changed; put the text in quotes, as in {key}: '{text}'"
        )
    return value


def _read(text: str) -> Any:
    # YAML raises ValueError for an impossible date.
    with suppress(yaml.YAMLError, ValueError, RecursionError):
        return yaml.safe_load(text)
    return text
