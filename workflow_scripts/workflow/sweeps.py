"""Sweeps: rows of the table made from one variant, the base, by other values of one of its keys."""

import json
import re
from collections.abc import Callable, Collection, Mapping
from copy import deepcopy
from typing import Any

from workflow_scripts.errors import UserError
from workflow_scripts.workflow import key_paths

# The key of a mapping in `values` that holds the value itself; the others are further keys.
VALUE = "value"
# Fills in the defaults of a variant of this name and checks it against the schema, in place.
Complete = Callable[[str, dict[str, Any]], None]


def expand(config: dict[str, Any], complete: Complete) -> dict[str, dict[str, Any]]:
    """Add the rows of all sweeps to the variants of `config`, in place.

    `config` has all its keys. Returns for each sweep its base, key and rows, a value by variant.

    A row with the settings of the base is the base itself; a row that has the name and the settings
    of another variant is that variant. So an expanded configuration expands to itself. Raises
    UserError, one sentence on the first error, which names the sweep.
    """
    made_by: dict[str, str] = {}
    expanded = {}
    for name, sweep in config["sweeps"].items():
        if name in config["variants"]:
            raise UserError(f"sweeps.{name} has the name of a variant; give the sweep another name")
        rows = _rows(name, sweep, config, made_by, complete)
        expanded[name] = {"base": sweep["base"], "key": sweep["key"], "rows": rows}
    return expanded


def named(sentence: str, expanded: Mapping[str, Mapping[str, Any]]) -> str:
    """An error message with the sweep in front that made the variant in it, if a sweep did."""
    for sweep, own in expanded.items():
        for row in own["rows"]:
            if row != own["base"] and re.match(rf"variants\.{row}\b", sentence):
                return f"sweeps.{sweep} makes {sentence}"
    return sentence


def remaining(
    expanded: Mapping[str, Mapping[str, Any]], variants: Collection[str]
) -> dict[str, dict[str, Any]]:
    """The sweeps of `expand` that have rows among `variants`, with these rows."""
    kept = {
        name: {**sweep, "rows": {v: x for v, x in sweep["rows"].items() if v in variants}}
        for name, sweep in expanded.items()
    }
    return {name: sweep for name, sweep in kept.items() if sweep["rows"]}


def _rows(
    name: str,
    sweep: Mapping[str, Any],
    config: dict[str, Any],
    made_by: dict[str, str],
    complete: Complete,
) -> dict[str, Any]:
    """The value of each row of a sweep; new rows are added to the variants of `config`."""
    where, variants = f"sweeps.{name}", config["variants"]
    if sweep["base"] not in variants:
        raise UserError(
            f"{where}.base: there is no variant {sweep['base']}; "
            f"{key_paths.hint(sweep['base'], variants, 'variants')}"
        )
    rows: dict[str, Any] = {}
    for position, value in enumerate(sweep["values"], 1):
        changes = _changes(sweep["key"], value)
        row = _changed(where, sweep["base"], config, changes)
        row_name = _name_of(sweep, changes[sweep["key"]], position)
        try:
            complete(row_name, row)
        except UserError as error:
            raise UserError(f"{where}: {error}") from None
        # Complete, so that text in --config is the number that it means.
        value_of_row = key_paths.get(row, sweep["key"])
        if json.dumps(value_of_row) in map(json.dumps, rows.values()):
            raise UserError(f"{where}.values has {_shown(value_of_row)} twice; remove one")
        if _same(row, variants[sweep["base"]], config):
            row_name = sweep["base"]
        _check_name(where, row_name, row, rows, config, made_by)
        rows[row_name] = value_of_row
        if row_name not in variants:
            variants[row_name] = row
            made_by[row_name] = where
    return rows


def _changes(key: str, value: Any) -> dict[str, Any]:
    """The new values by path: that of the swept key first, then those of further keys."""
    if not isinstance(value, dict):
        return {key: value}
    return {key: value[VALUE]} | {path: v for path, v in value.items() if path != VALUE}


def _changed(
    where: str, base: str, config: Mapping[str, Any], changes: Mapping[str, Any]
) -> dict[str, Any]:
    """A copy of the base with the values in `changes`."""
    row: dict[str, Any] = deepcopy(config["variants"][base])
    for path, value in changes.items():
        # A variant without settings of its own has those shared by all.
        known = row | {"training": config["training"] | row.get("training", {})}
        if problem := key_paths.problem(known, path):
            raise UserError(f"{where}: {base} has no key {path}; {problem}")
        if path.startswith("training."):
            row.setdefault("training", {})
        key_paths.put(row, path, deepcopy(value))
    return row


def _name_of(sweep: Mapping[str, Any], value: Any, position: int) -> str:
    """The name of a row: by default the base, the last part of the key, and the value."""
    text = _name_part(value, position)
    if sweep["name"] is not None:
        return str(sweep["name"]).replace("{}", text)
    parts = sweep["key"].split(".")
    # An entry of a list has no name of its own.
    first = max((n for n, part in enumerate(parts) if not part.isdigit()), default=0)
    return "_".join([sweep["base"], *parts[first:], text])


def _name_part(value: Any, position: int) -> str:
    """A value as part of a name: 60, 0_01, 1x60 for [1, 60]; a structure is its position."""
    if isinstance(value, list) and not any(isinstance(part, dict | list) for part in value):
        return "x".join(_name_part(part, position) for part in value)
    if isinstance(value, dict | list):
        return str(position)
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return re.sub("[^A-Za-z0-9]+", "_", text).strip("_") or str(position)


def _check_name(
    where: str,
    name: str,
    row: Mapping[str, Any],
    rows: Mapping[str, Any],
    config: Mapping[str, Any],
    made_by: Mapping[str, str],
) -> None:
    """Raise UserError if another row of the sweep, or another variant, has the name of a row."""
    if name in rows:
        raise UserError(
            f"{where} gives the name {name} to two rows; set its name to a text with {{}} for the "
            "value, or change its values"
        )
    variants = config["variants"]
    if name in variants and not _same(row, variants[name], config):
        other = f"{made_by[name]} makes" if name in made_by else "variants has"
        raise UserError(
            f"{where} makes a row {name}, but {other} {name} with other settings; give the rows of "
            f"{where} another name"
        )


def _same(first: Mapping[str, Any], second: Mapping[str, Any], config: Mapping[str, Any]) -> bool:
    """Whether two variants have equal settings, as a training compares them: 1 and 1.0 differ."""
    both = [
        {**variant, "training": config["training"] | variant.get("training", {})}
        for variant in (first, second)
    ]
    return json.dumps(both[0], sort_keys=True) == json.dumps(both[1], sort_keys=True)


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
