"""Check config.yaml and its overlays before any job starts, fill in defaults, save the result."""

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from workflow_scripts.atomic_files import atomic
from workflow_scripts.audio.parameters import PAPERS
from workflow_scripts.errors import UserError, printable, reading
from workflow_scripts.paths import ResultPaths
from workflow_scripts.workflow import (
    chosen_rows,
    configuration_checks,
    configuration_schema,
    sweeps,
    typed_text,
)

SCHEMA = Path(__file__).parents[2] / "config.schema.yaml"
BASE = SCHEMA.with_name("config.yaml")
# Filters of a trunk, as in the paper.
DEFAULT_FILTERS = 32
# Keys that earlier versions do not write, with the value that says what they did.
UNWRITTEN: dict[str, Any] = {
    "seeds": None,
    "split_by": None,
    "exclude": None,
    "sweeps": {},
    "only": None,
    "front_end": PAPERS.settings | {"max_frequency": None},
}
PRESET_NAME = "preset_name"
REPLACE = "replace"
HEADER = """\
# The complete configuration of these results in the last run. Copied over the workflow's
# config.yaml, it reproduces them.
"""


@dataclass(frozen=True)
class Rows:
    """The rows of the table, as `complete` finds them.

    `all_variants` has those that `only` leaves out too. `sweeps` has base, key and rows (a value by
    variant) of each sweep, without rows that are left out.
    """

    all_variants: dict[str, Any]
    sweeps: dict[str, dict[str, Any]]


def complete(
    config: dict[str, Any], base: Path = BASE, command_line: Sequence[str] | None = None
) -> Rows:
    """Check `config`, fill in its defaults and sort its keys as in `base`, in place.

    `name` becomes the folder of the results, for which `preset_name` is then no longer needed.
    `variants` becomes the rows of the table: sweeps add rows to it, `only` selects among them.

    `command_line` has the entries "key=value" of --config as they were typed.

    The order of the keys is that of Table I's rows and of a network's trunks. Snakemake puts the
    keys of an overlay before those of the file below it.

    Raises UserError, one sentence on the first error: the key, its value, the allowed values.
    """
    schema = _schema()
    typed_text.keep(config, command_line, configuration_schema.text_keys(schema))
    chosen_rows.read(config)
    configuration_schema.check(config, schema)
    _order(config, yaml.safe_load(base.read_text()) if base.is_file() else {})
    for key in ("variants", "sweeps"):
        config[key] = {name: own for name, own in config.get(key, {}).items() if own is not None}
    if not config["variants"]:
        raise UserError("configuration key variants leaves out all networks; keep at least one")
    _fill(config, schema)
    _fill_trunks(config["variants"])
    expanded = _expand(config, schema)
    # Any file of the user that sets `name` wins, also one before the preset.
    config["name"] = config["name"] or config[PRESET_NAME] or config["dataset"]
    del config[PRESET_NAME]
    _set_seed(config, schema["properties"]["seed"]["default"])
    # What `only` leaves out may not even fit the front end.
    rows = _select(config, expanded)
    try:
        configuration_checks.check(config)
    except UserError as error:
        raise UserError(sweeps.named(str(error), expanded)) from None
    return rows


def _expand(config: dict[str, Any], schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Add the rows of sweeps to the variants; return what `sweeps.expand` does."""
    return sweeps.expand(config, partial(_complete_variant, schema))


def _complete_variant(schema: dict[str, Any], name: str, variant: dict[str, Any]) -> None:
    """Check a variant and fill in its defaults, in place."""
    part = {"variants": {name: variant}}
    configuration_schema.check(part, schema)
    _fill(part, schema)
    _fill_trunks(part["variants"])


def _select(config: dict[str, Any], expanded: dict[str, dict[str, Any]]) -> Rows:
    """Leave in the variants those that `only` names, and the variants that they start from."""
    everything = config["variants"]
    config["variants"] = chosen_rows.selected(config, expanded)
    return Rows(everything, sweeps.remaining(expanded, config["variants"]))


def take_replace(config: dict[str, Any], command: Sequence[str] | None) -> bool:
    """Remove the key `replace` from `config`; return whether a run may replace its trainings.

    `command` has the words of the user's command; None in a job, whose run was checked. The key
    belongs to one run, not to the experiment. Raises UserError if a file or a profile has it, or if
    it is neither true nor false.
    """
    value = str(config.pop(REPLACE, False))
    if command is None or value == str(False):
        return False
    # Also --config=replace=true and -Creplace=true.
    if not any(re.search(rf"(^|=|-C){REPLACE}=[^=]*$", word) for word in command):
        raise UserError(
            f"{REPLACE} is in a file or a profile, but belongs to one run: remove it there, and "
            f"type --config {REPLACE}=true"
        )
    if value.lower() not in ("true", "false"):
        raise UserError(f"{REPLACE} must be true or false, not {printable(value)}")
    return value.lower() == "true"


def check_profile(command_line: Sequence[str] | None, command: Sequence[str]) -> None:
    """Raise UserError if a profile has a text that YAML may have changed.

    `command_line` is as in `complete`; `command` has the words of the user's command.
    """
    typed_text.check_profile(command_line, configuration_schema.text_keys(_schema()), command)


def keep(
    config: dict[str, Any], results: ResultPaths, all_variants: dict[str, Any] | None = None
) -> None:
    """Write the complete `config` to the folder of the results; no rule reads it.

    `all_variants` are those of `Rows`, by default the variants of `config`: what `only` leaves out
    is in the file too, so that it can be used as a configuration.
    """
    whole = config if all_variants is None else config | {"variants": all_variants}
    # JSON turns the types of Snakemake into plain ones.
    text = yaml.safe_dump(json.loads(json.dumps(whole)), sort_keys=False, allow_unicode=True)
    with atomic(results.config) as partial:
        partial.write_text(HEADER + text, encoding="utf-8")


def read(path: Path) -> dict[str, Any]:
    """The configuration in a file that `keep` wrote, perhaps by another version of the workflow.

    Raises UserError if it is damaged.
    """
    with reading(path), suppress(yaml.YAMLError):
        config: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        # Raises KeyError or TypeError if it is none.
        config["dataset"], config["audio_dir"]
        return config
    raise UserError(f"{path} is not YAML; remove it and run snakemake")


def read_complete(path: Path) -> dict[str, Any]:
    """As `read`, with the variants that `only` selects.

    Raises UserError also if a key is missing or has a wrong value.
    """
    return _read_complete(path)[0]


def read_sweeps(path: Path) -> dict[str, dict[str, Any]]:
    """The sweeps of `Rows` in the configuration of `read_complete`."""
    return _read_complete(path)[1].sweeps


def _read_complete(path: Path) -> tuple[dict[str, Any], Rows]:
    config = UNWRITTEN | read(path)
    schema = _schema()
    if missing := [key for key in schema["properties"] if key not in {*config, PRESET_NAME}]:
        raise UserError(
            f"{path} lacks {missing[0]}: an earlier version of the workflow made these results, or "
            "the file was cut; use that version, or run snakemake, which may train again"
        )
    try:
        configuration_schema.check(config, schema)
        rows = _select(config, _expand(config, schema))
    except UserError as error:
        raise UserError(f"{path}: {error}, or run snakemake") from None
    return config, rows


def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = yaml.safe_load(SCHEMA.read_text())
    return schema


def check_data(config: dict[str, Any], results: ResultPaths) -> None:
    """Raise UserError if `results` are of another data set or audio folder than that of `config`.

    A folder that no longer exists has been moved, so it counts as the same data.
    """
    if not results.config.is_file():
        return
    kept = read(results.config)
    before, now = Path(kept["audio_dir"] or ""), Path(config["audio_dir"] or "")
    if kept["dataset"] == config["dataset"] == "folder":
        same = not before.is_dir() or not now.is_dir() or before.samefile(now)
    else:
        same = kept["dataset"] == config["dataset"]
    if not same:
        raise UserError(
            f"{results.folder} has results of {_data(kept)}, but this run uses {_data(config)}; "
            f"give this run another name (--config name=...), or remove {results.folder}"
        )


def _data(config: dict[str, Any]) -> str:
    folder = config["dataset"] == "folder"
    return str(config["audio_dir"] if folder else f"data set {config['dataset']}")


def _order(config: dict[str, Any], base: dict[str, Any]) -> None:
    for key in [*base, *(key for key in list(config) if key not in base)]:
        if key in config:
            config[key] = value = config.pop(key)
            if isinstance(value, dict) and isinstance(base.get(key), dict):
                _order(value, base[key])


def _set_seed(config: dict[str, Any], default: int) -> None:
    """Set `seed` to the first of `seeds`, if these are given; a single one is no list.

    A `seed` with the `default` value counts as not set.
    """
    if config["seeds"] is None:
        return
    first = config["seeds"][0]
    if config["seed"] not in (default, first):
        raise UserError(
            f"seed is {config['seed']}, but the first of seeds is {first}; remove seed, or put it "
            "first in seeds"
        )
    config["seed"] = first
    if len(config["seeds"]) == 1:
        config["seeds"] = None


def _fill_trunks(variants: dict[str, Any]) -> None:
    """Fill in the number of filters of trunks without a list of layers."""
    for variant in variants.values():
        for trunk in variant["trunks"].values():
            if "layers" not in trunk:
                trunk.setdefault("n_filters", DEFAULT_FILTERS)


def _fill(config: dict[str, Any], schema: dict[str, Any]) -> None:
    for key, part in schema.get("properties", {}).items():
        if "default" in part:
            default = part["default"]
            config.setdefault(key, dict(default) if isinstance(default, dict) else default)
        if isinstance(config.get(key), dict):
            _fill(config[key], part)
    rest = schema.get("additionalProperties")
    if isinstance(rest, dict):
        for key, value in config.items():
            if key not in schema.get("properties", {}):
                _fill(value, rest)
