"""Text in --config as it was typed.

Snakemake reads each value of --config as a number, a list or YAML if it can, after it removed the
quotes: `name=001` becomes 1, `name=20240501_2` becomes 202405012, `audio_dir=/a #1` becomes /a.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from typing import Any

import yaml

from workflow_scripts.errors import UserError

# A quote in it is doubled.
IN_QUOTES = re.compile(r"'((?:[^']|'')*)'")
# Not ~, which is the home folder.
NULLS = ("", "null")
# How Snakemake passes on the null of a profile.
NULL_OF_A_PROFILE = "None"
# For a text in a file without quotes, which YAML has read as something else.
HINT = ", as YAML reads it; put the text in quotes"


def keep(config: dict[str, Any], entries: Sequence[str] | None, keys: Collection[str]) -> None:
    """Set those of `keys` that are in `entries` ("key=value") to the text that was typed, in place.

    A text in quotes is read as YAML reads it; an empty text and null are None.
    """
    for key, text in _of_keys(entries, keys):
        config[key] = _typed(text)


def check_profile(
    entries: Sequence[str] | None, keys: Collection[str], command: Sequence[str]
) -> None:
    """Raise UserError if a profile has a text that YAML may have changed, such as 001.

    An entry of `keys` comes from a profile if it does not end a word of the `command`.
    """
    for key, text in _of_keys(entries, keys):
        # Also --config=name=001 and -Cname=001.
        if any(word.endswith(f"{key}={text}") for word in command):
            continue
        if text == NULL_OF_A_PROFILE:
            raise UserError(f"{key} in the profile is null; leave it out there")
        # Quotes show that it was text for YAML too.
        if _typed(text) == text and not isinstance(_read(text), str):
            raise UserError(
                f"{key} in the profile is {text}, which YAML reads as a number or the like and may "
                f"have changed; put the text in quotes, as in {key}: 'TEXT'"
            )


def _of_keys(entries: Sequence[str] | None, keys: Collection[str]) -> Iterator[tuple[str, str]]:
    for entry in entries or ():
        key, _, text = entry.partition("=")
        if key in keys:
            yield key, text


def _typed(text: str) -> str | None:
    bare = text.strip()
    # Not by YAML, which cannot read bytes that are not UTF-8.
    if quoted := IN_QUOTES.fullmatch(bare):
        return quoted[1].replace("''", "'")
    if bare[:1] == '"':
        # Text that only begins with a quote stays as it is.
        with suppress(yaml.YAMLError):
            value = yaml.safe_load(bare)
            return value if isinstance(value, str) else text
    return None if text in NULLS else text


def _read(text: str) -> Any:
    # YAML raises ValueError for an impossible date.
    with suppress(yaml.YAMLError, ValueError, RecursionError):
        return yaml.safe_load(text)
    return text
