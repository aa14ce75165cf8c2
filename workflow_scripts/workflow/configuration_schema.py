"""Check a configuration against config.schema.yaml, with one plain sentence for an error."""

import datetime
import difflib
import json
import math
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import reduce
from operator import getitem
from typing import Any

import jsonschema
import yaml

from workflow_scripts.errors import UserError, printable
from workflow_scripts.workflow.typed_text import HINT

# Larger integers have no float, and Python does not print the largest.
LARGEST_INTEGER = 10**300
# Characters of a value that a sentence shows.
LONGEST_VALUE = 200
# What YAML may read from a text without quotes: a number, a truth value, a date.
SCALARS = (int, float, datetime.date)


def check(config: dict[str, Any], schema: dict[str, Any]) -> None:
    """Raise UserError on the first error: the key, its value, the allowed values.

    Text that YAML reads as a value of the required type is replaced, in place.
    """
    _check_values(config, "config")
    validator = _Validator(schema)
    _read_text(config, validator)
    errors = validator.iter_errors(config)
    first = min(errors, key=lambda error: list(map(str, error.absolute_path)), default=None)
    if first is not None:
        raise UserError(_sentence(first))


def text_keys(schema: dict[str, Any]) -> list[str]:
    """The keys at the top of `schema` whose values may be any text, and no list."""
    return [
        key
        for key, part in schema["properties"].items()
        if "string" in (types := part.get("type", ())) and "array" not in types
        if "enum" not in part
    ]


def _is_integer(_: Any, value: Any) -> bool:
    # By default jsonschema accepts 3.0.
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(_: Any, value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _pattern(_: Any, pattern: str, value: Any, __: Any) -> Iterator[jsonschema.ValidationError]:
    # In Python, $ also matches before a line break at the end.
    if isinstance(value, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), value):
        yield jsonschema.ValidationError(f"{_shown(value)} does not match {pattern!r}")


_TYPES = jsonschema.Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer)
_Validator: Any = jsonschema.validators.extend(  # type: ignore[no-untyped-call]
    jsonschema.Draft202012Validator,
    {"pattern": _pattern},
    type_checker=_TYPES.redefine("number", _is_number),
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


def _check_values(part: Any, where: str) -> None:
    """Raise UserError for a key that YAML does not read as text (2020, true) or a huge number."""
    if isinstance(part, dict):
        for key, value in part.items():
            if not isinstance(key, str):
                raise UserError(f"the key {key!r} in {where} is not text; put it in quotes")
            _check_values(value, key)
    elif isinstance(part, list):
        for value in part:
            _check_values(value, where)
    elif isinstance(part, int) and abs(part) > LARGEST_INTEGER:
        raise UserError(f"the number {where} has more than 300 digits; give a smaller one")


def _shown(value: Any) -> str:
    text = str(value) if isinstance(value, datetime.date) else repr(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}..."


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
            return f"unknown configuration key {printable(unknown)} in {where}; {hint}"
        case "type":
            types = " or ".join([rule] if isinstance(rule, str) else rule)
            return (
                f"configuration key {where} must be of type {types}, not {_shown(value)}{meaning}"
                f"{_number_hint(value, types)}{_text_hint(value, rule)}"
            )
        case "enum":
            choices = ", ".join(map(str, rule))
            return (
                f"configuration key {where} must be one of {choices}, not {_shown(value)}{meaning}"
            )
        case "minimum" | "exclusiveMinimum" | "maximum" | "exclusiveMaximum":
            bound = {
                "minimum": "at least",
                "exclusiveMinimum": "greater than",
                "maximum": "at most",
                "exclusiveMaximum": "less than",
            }[error.validator]
            return f"configuration key {where} must be {bound} {rule}, not {_shown(value)}{meaning}"
        case "required":
            missing = next(key for key in rule if key not in value)
            part = f"configuration key {where}" if error.absolute_path else "the configuration"
            return f"{part} lacks {missing}; add it"
        case "minItems" | "maxItems":
            bound = "at least" if error.validator == "minItems" else "at most"
            return (
                f"configuration key {where} has {len(value)} entries and must have {bound} "
                f"{rule}{meaning}"
            )
        case "const":
            return f"configuration key {where} must be {json.dumps(rule)}, not {_shown(value)}"
        case _:
            text = error.message
            text = text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}..."
            return f"configuration key {where} is wrong: {text}{meaning}"


def _text_hint(value: Any, rule: str | list[str]) -> str:
    """How to write a text that YAML reads as a number, a date or a truth value."""
    return HINT if "string" in rule and isinstance(value, SCALARS) else ""


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
