"""The key `only`: which rows of the table a run makes."""

from collections.abc import Mapping
from typing import Any

from workflow_scripts.errors import UserError, printable
from workflow_scripts.workflow import key_paths

KEY = "only"
# What the schema reads as null.
NULLS = ("", "null")


def read(config: dict[str, Any]) -> None:
    """Replace a single name, as in --config only=time_1x60, by a list, in place."""
    name = config.get(KEY)
    if isinstance(name, str) and name.strip() not in NULLS:
        config[KEY] = [name]


def selected(config: Mapping[str, Any], sweeps: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The variants that `only` names, those that they start from, in the order of the table.

    A name of one of `sweeps`, which have the variants of their rows, stands for all of these.
    Raises UserError for an unknown name, or if `listen_to` is left out.
    """
    variants: dict[str, Any] = config["variants"]
    if config[KEY] is None:
        return variants
    named: set[str] = set()
    for name in config[KEY]:
        if name in sweeps:
            named |= {*sweeps[name]["rows"]}
        elif name in variants:
            named.add(name)
        else:
            raise UserError(
                f"{KEY}: there is no variant or sweep {printable(name)}; "
                f"{key_paths.hint(name, [*variants, *sweeps], 'names')}"
            )
    donors = {donor for name in named for donor in variants[name]["init"].values()}
    kept = {name: v for name, v in variants.items() if name in named | donors}
    if config["listen_to"] in variants and config["listen_to"] not in kept:
        raise UserError(
            f"listen_to is {config['listen_to']}, which {KEY} leaves out; add it to {KEY}, or set "
            "listen_to to null"
        )
    return kept
