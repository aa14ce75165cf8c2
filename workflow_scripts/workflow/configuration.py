"""Check config.yaml and its overlays before any job starts, fill in defaults, save the result."""

import difflib
import json
import math
import os
from collections.abc import Iterator
from contextlib import suppress
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from workflow_scripts.atomic_files import atomic
from workflow_scripts.audio.parameters import N_BANDS
from workflow_scripts.errors import UserError
from workflow_scripts.networks.architecture import Network
from workflow_scripts.paths import ResultPaths
from workflow_scripts.workflow.training_settings import training_of

SCHEMA = Path(__file__).parents[2] / "config.schema.yaml"
HEADER = """\
# The complete configuration of these results in the last run. Copied over the workflow's
# config.yaml, it reproduces them.
"""


def complete(config: dict[str, Any], base: Path = Path("config.yaml")) -> None:
    """Check `config`, fill in its defaults and sort its keys as in `base`, in place.

    The order of the keys is that of Table I's rows and of a network's trunks. Snakemake puts the
    keys of an overlay before those of the file below it.

    Raises UserError, one sentence on the first error: the key, its value, the allowed values.
    """
    schema = yaml.safe_load(SCHEMA.read_text())
    _check_keys(config, "config")
    if isinstance(config.get("name"), int):
        config["name"] = str(config["name"])
    validator = _Validator(schema)
    _read_text(config, validator)
    errors = validator.iter_errors(config)
    first = min(errors, key=lambda error: list(map(str, error.absolute_path)), default=None)
    if first is not None:
        raise UserError(_sentence(first))
    _order(config, yaml.safe_load(base.read_text()) if base.is_file() else {})
    variants = config["variants"]
    config["variants"] = {name: v for name, v in variants.items() if v is not None}
    if not config["variants"]:
        raise UserError("configuration key variants leaves out all networks; keep at least one")
    _fill(config, schema)
    if config["name"] is None:
        config["name"] = config["dataset"]
    _check_audio(config)
    _check_archives(config)
    _check_variants(config["variants"])
    _check_rates(config)
    _check_listen_to(config)
    if config["validation"] == "segments" and config["sampling"] != "contiguous":
        raise UserError(
            f"validation: segments needs sampling: contiguous, not {config['sampling']}: training "
            "segments would overlap validation segments; change one of the two"
        )


def keep(config: dict[str, Any], results: ResultPaths) -> None:
    """Write the complete `config` to the folder of the results; no rule reads it."""
    # JSON turns the types of Snakemake into plain ones.
    text = yaml.safe_dump(json.loads(json.dumps(config)), sort_keys=False, allow_unicode=True)
    with atomic(results.config) as partial:
        partial.write_text(HEADER + text, encoding="utf-8")


def read(path: Path) -> dict[str, Any]:
    """The configuration in a file that `keep` wrote."""
    config: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return config


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


def _is_integer(_: Any, value: Any) -> bool:
    # By default jsonschema accepts 3.0.
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(_: Any, value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


_TYPES = jsonschema.Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer)
_Validator: Any = jsonschema.validators.extend(  # type: ignore[no-untyped-call]
    jsonschema.Draft202012Validator, type_checker=_TYPES.redefine("number", _is_number)
)


def _read_text(config: dict[str, Any], validator: Any) -> None:
    """Replace text by the value that YAML reads from it, if that value has the required type.

    Snakemake reads everything in braces in --config as text, and also a bare `false`.
    """
    for error in [*validator.iter_errors(config)]:
        if error.validator == "type" and isinstance(error.instance, str):
            # YAML raises the last two for an impossible date and for too many brackets.
            with suppress(yaml.YAMLError, ValueError, RecursionError):
                value = yaml.safe_load(error.instance)
                if validator.evolve(schema={"type": error.validator_value}).is_valid(value):
                    *parents, last = error.absolute_path
                    reduce(getitem, parents, config)[last] = value


def _check_keys(part: Any, where: str) -> None:
    """Raise UserError for a key that YAML does not read as text, such as 2020 or true."""
    for key, value in part.items() if isinstance(part, dict) else ():
        if not isinstance(key, str):
            raise UserError(f"the key {key!r} in {where} is not text; put it in quotes")
        _check_keys(value, key)


def _sentence(error: jsonschema.ValidationError) -> str:
    where = ".".join(map(str, error.absolute_path)) or "config"
    value: Any = error.instance
    rule: Any = error.validator_value
    schema: Any = error.schema
    meaning = f" ({schema['description']})" if "description" in schema else ""
    if "propertyNames" in error.absolute_schema_path:
        return f"the name {value!r} in {where} cannot be used; choose another of letters and digits"
    match error.validator:
        case "additionalProperties":
            known = list(schema["properties"])
            unknown = next(key for key in value if key not in known)
            close = difflib.get_close_matches(str(unknown), known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"known keys: {', '.join(known)}"
            return f"unknown configuration key {unknown} in {where}; {hint}"
        case "type":
            types = " or ".join([rule] if isinstance(rule, str) else rule)
            return (
                f"configuration key {where} must be of type {types}, not {value!r}{meaning}"
                f"{_number_hint(value, types)}"
            )
        case "enum":
            choices = ", ".join(map(str, rule))
            return f"configuration key {where} must be one of {choices}, not {value!r}{meaning}"
        case "minimum" | "exclusiveMinimum" | "maximum" | "exclusiveMaximum":
            bound = {
                "minimum": "at least",
                "exclusiveMinimum": "greater than",
                "maximum": "at most",
                "exclusiveMaximum": "less than",
            }[error.validator]
            return f"configuration key {where} must be {bound} {rule}, not {value!r}{meaning}"
        case "required":
            missing = next(key for key in rule if key not in value)
            return f"configuration key {where} lacks {missing}; add it"
        case _:
            return f"configuration key {where} is wrong: {error.message}{meaning}"


def _number_hint(value: Any, types: str) -> str:
    """How to write a number that YAML reads as text (1e-5) or as a fraction (3.0)."""
    if types not in ("integer", "number") or isinstance(value, bool):
        return ""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return ""
    if not math.isfinite(number):
        return ""
    if types == "integer":
        return f"; write {number:.0f}" if number.is_integer() else ""
    return "; write it with a decimal point and a signed exponent, as in 1.0e-5"


def _order(config: dict[str, Any], base: dict[str, Any]) -> None:
    for key in [*base, *(key for key in list(config) if key not in base)]:
        if key in config:
            config[key] = value = config.pop(key)
            if isinstance(value, dict) and isinstance(base.get(key), dict):
                _order(value, base[key])


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


def _check_audio(config: dict[str, Any]) -> None:
    folder = config["audio_dir"]
    if config["dataset"] == "folder":
        if folder is None:
            raise UserError("dataset is folder, but audio_dir is not set; add audio_dir=FOLDER")
        config["audio_dir"] = folder = _at_home(folder)
        if not os.path.isdir(folder):  # noqa: PTH112
            raise UserError(f"audio_dir {folder} is not a folder; check the path")
    elif folder is not None:
        raise UserError(
            f"audio_dir is {folder}, but dataset is {config['dataset']}; add dataset=folder"
        )


def _check_archives(config: dict[str, Any]) -> None:
    if config["dataset"] != "ballroom":
        return
    ballroom = config["ballroom"]
    for key in ("archive", "tempi_archive"):
        if ballroom[key] is None:
            continue
        ballroom[key] = path = _at_home(ballroom[key])
        if not os.path.isfile(path):  # noqa: PTH113 - Path raises for a long name.
            raise UserError(
                f"ballroom.{key} {path} is not a file; check the path, or remove the key to "
                "download the archive"
            )
        if "{" in path or "}" in path:
            raise UserError(
                f"ballroom.{key} {path} has braces, which Snakemake reads as wildcards; link to "
                "the file from a path without braces"
            )


def _at_home(path: str) -> str:
    """Expand ~, which the shell does not expand in audio_dir=~/music."""
    return os.path.expanduser(path)  # noqa: PTH111 - Path raises for an unknown user.


def _check_variants(variants: dict[str, Any]) -> None:
    for name, variant in variants.items():
        try:
            Network.from_config(variant, N_BANDS, n_classes=2)
        except ValueError as reason:
            raise UserError(f"variants.{name}: {reason}; change its shapes") from None
        for problem in _init_problems(variants, variant):
            raise UserError(f"variants.{name}.init: {problem}")


def _check_listen_to(config: dict[str, Any]) -> None:
    name, variants = config["listen_to"], config["variants"]
    if name is not None and name not in variants:
        raise UserError(
            f"listen_to: there is no variant {name}; known variants: {', '.join(variants)}"
        )


def _check_rates(config: dict[str, Any]) -> None:
    for name, variant in config["variants"].items():
        settings = training_of(config, name)
        if settings["learning_rate"] < settings["min_learning_rate"]:
            where = f"variants.{name}." if variant.get("training") else ""
            raise UserError(
                f"{where}training.learning_rate {settings['learning_rate']:g} is below "
                f"min_learning_rate {settings['min_learning_rate']:g}, which would end the "
                "training before its first epoch; raise the learning rate or lower the minimum"
            )


def _init_problems(variants: dict[str, Any], variant: dict[str, Any]) -> Iterator[str]:
    for trunk, donor_name in variant["init"].items():
        donor = variants.get(donor_name)
        if trunk not in variant["trunks"]:
            yield f"there is no trunk {trunk}; it has {', '.join(variant['trunks'])}"
        elif donor is None:
            yield f"there is no variant {donor_name}; known variants: {', '.join(variants)}"
        elif donor["init"]:
            yield f"{donor_name} has an init itself; choose a variant without init"
        elif trunk not in donor["trunks"]:
            yield f"{donor_name} has no trunk {trunk}; it has {', '.join(donor['trunks'])}"
        elif donor["input_frames"] != variant["input_frames"]:
            yield (
                f"{donor_name} has {donor['input_frames']} input_frames, this variant has "
                f"{variant['input_frames']}; they must be equal"
            )
        else:
            ours, theirs = variant["trunks"][trunk], donor["trunks"][trunk]
            for key in ("filter", "n_filters"):
                if ours[key] != theirs[key]:
                    yield (
                        f"the {key} of trunk {trunk} is {ours[key]}, but {theirs[key]} in "
                        f"{donor_name}; they must be equal"
                    )
