"""Check the configuration of a run that labels music."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from workflow_scripts.atomic_files import atomic
from workflow_scripts.errors import UserError
from workflow_scripts.models.limits import LARGEST_PACKAGE
from workflow_scripts.paths import ResultPaths
from workflow_scripts.workflow import typed_text

DEFAULTS: dict[str, Any] = {"audio_dir": None, "model": None, "name": "labelled", "shards": 16}
TEXTS = ("model", "audio_dir", "name")
USAGE = "make label MODEL=results/NAME/model.zip AUDIO=FOLDER"
KEPT = "label.yaml"
# As in config.schema.yaml.
MOST_SHARDS = 4096
NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}"


def complete(config: dict[str, Any], command_line: Sequence[str] | None = None) -> None:
    """Check `config` and fill in its defaults, in place.

    `command_line` has the entries "key=value" of --config as they were typed.

    Raises UserError, one sentence on the first error.
    """
    if unknown := [key for key in config if key not in DEFAULTS]:
        raise UserError(
            f"unknown key {unknown[0]} for labelling; known keys: {', '.join(DEFAULTS)}"
        )
    typed_text.keep(config, command_line, TEXTS)
    for key, value in DEFAULTS.items():
        if config.get(key) is None:
            config[key] = value
    for key in TEXTS:
        if config[key] is None:
            raise UserError(f"{key} is not set; label music with {USAGE}")
        if not isinstance(config[key], str):
            raise UserError(f"{key} must be text, not {config[key]!r}{typed_text.HINT}")
    for key in ("model", "audio_dir"):
        # os.path: Path raises an exception for an unknown user, or a name that is too long.
        config[key] = os.path.expanduser(config[key])  # noqa: PTH111
    if not os.path.isfile(config["model"]):  # noqa: PTH113
        raise UserError(
            f"model {config['model']} is not a file; check the path (`make model NAME=...` makes "
            "results/NAME/model.zip)"
        )
    if not os.access(config["model"], os.R_OK):
        raise UserError(f"model {config['model']} cannot be read; change its permissions")
    # Its digest, which takes a second for a gigabyte, decides what is labelled again.
    if os.path.getsize(config["model"]) > LARGEST_PACKAGE:  # noqa: PTH202
        raise UserError(
            f"model {config['model']} is larger than 4 GiB; use one made by `make model`"
        )
    if not os.path.isdir(config["audio_dir"]):  # noqa: PTH112
        raise UserError(f"audio_dir {config['audio_dir']} is not a folder; check the path")
    if not re.fullmatch(NAME, config["name"]):
        raise UserError(
            f"name is {config['name']!r}; use at most 100 letters, digits, dots, dashes and "
            "underscores, starting with a letter or a digit"
        )
    shards = str(config["shards"])
    if not re.fullmatch("[0-9]{1,4}", shards) or not 1 <= int(shards) <= MOST_SHARDS:
        raise UserError(
            f"shards is {config['shards']!r}; it must be a whole number from 1 to {MOST_SHARDS}"
        )
    config["shards"] = int(shards)


def check_results(config: dict[str, Any], results: ResultPaths) -> None:
    """Raise UserError if `results` are an experiment or labels of another audio folder."""
    if results.config.exists():
        raise UserError(
            f"{results.folder} has an experiment; give the labels another name (name=...)"
        )
    kept = results.folder / KEPT
    before = yaml.safe_load(kept.read_text(encoding="utf-8")) if kept.exists() else config
    previous, current = Path(before["audio_dir"]), Path(config["audio_dir"])
    # A folder that no longer exists has been moved, so it counts as the same audio.
    if previous.is_dir() and not previous.samefile(current):
        raise UserError(
            f"{results.folder} has labels of {previous}, but this run uses {current}; give this "
            f"run another name (name=...), or remove {results.folder}"
        )


def keep(config: dict[str, Any], results: ResultPaths) -> None:
    """Write the configuration to the folder of the labels."""
    with atomic(results.folder / KEPT) as path:
        path.write_text(yaml.safe_dump(dict(config), allow_unicode=True), encoding="utf-8")
