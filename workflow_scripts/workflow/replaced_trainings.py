"""Finished trainings that a run would replace because settings changed.

fit.json records most settings of a training. Those of its data, such as the number of folds, are
only in the configuration of the run that trained it. `.trained.json` in the folder of the results
therefore notes them for each training, at the start of each run: a training that is not in it yet
is of the run before, whose configuration is still there.
"""

import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workflow_scripts.atomic_files import atomic
from workflow_scripts.audio.parameters import PAPERS
from workflow_scripts.dataset.replicas import DOUBTFUL
from workflow_scripts.durations import duration
from workflow_scripts.errors import FEW, UserError, listed, printable
from workflow_scripts.paths import ModelPaths, ResultPaths
from workflow_scripts.workflow import configuration

# What determines which tracks and segments a training sees, besides the settings in fit.json.
DATA_KEYS = (
    *("folds", "split_by", "group_by", "stratified", "replicas", "on_bad_audio", "exclude"),
    "normalisation",
)
# Characters of a value that a sentence shows.
LONGEST_VALUE = 40
# Seconds or epochs of a training are fewer.
MOST = 10**12

Differences = dict[str, tuple[Any, Any]]


@dataclass(frozen=True)
class Planned:
    """A training of this run: its files, and its settings as fit.json would record them."""

    model: ModelPaths
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Replaced:
    """A finished training that this run would replace.

    `differences` has the old and the new value of each changed setting; it is empty if only a
    variant that the training starts from changes. `seconds` is how long the training took.
    """

    model: ModelPaths
    seconds: float
    differences: Differences


class Ledger:
    """The settings of the data of each training in `results`, as its run noted them."""

    def __init__(self, results: ResultPaths) -> None:
        self._results = results
        self._noted = _read_object(results.trained)
        self._before: dict[str, Any] | None = None
        if results.config.is_file():
            self._before = data_settings(configuration.read(results.config))

    def settings(self, model: ModelPaths, checksum: str) -> dict[str, Any]:
        """The settings of the data of a training; empty if they are unknown."""
        noted = self._noted.get(self._key(model))
        if isinstance(noted, dict) and noted.get("checksum") == checksum:
            data = noted.get("data")
            return data if isinstance(data, dict) else {}
        return self._before or {}

    def write(self, roots: Iterable[Path]) -> None:
        """Note the settings of all finished trainings in the folders `models` of `roots`."""
        notes = {}
        for model in (model for root in roots for model in _models_in(root)):
            if fit := finished(model):
                checksum = fit["checksum"]
                data = self.settings(model, checksum)
                notes[self._key(model)] = {"checksum": checksum, "data": data}
        if notes != self._noted:
            with atomic(self._results.trained) as partial:
                partial.write_text(json.dumps(notes, indent=1, default=str))

    def _key(self, model: ModelPaths) -> str:
        return str(model.folder.relative_to(self._results.folder))


def data_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that determine which tracks and segments a training sees, beside fit.json."""
    settings = {key: config[key] for key in DATA_KEYS if key in config}
    if config.get("split_by"):
        settings["folds"] = 1
    if config.get("sampling") == "overlapping" and "sampling_hop" in config:
        settings["sampling_hop"] = config["sampling_hop"]
    return settings


def finished(model: ModelPaths) -> dict[str, Any] | None:
    """The content of the fit.json of a finished training; None without one, or if it is damaged."""
    if not model.weights.is_file():
        return None
    # Earlier versions had no other front end than the paper's.
    fit = {"front_end": PAPERS.settings} | _read_object(model.fit)
    whole = isinstance(fit.get("checksum"), str) and _is_number(fit.get("seconds"))
    return fit if whole and _is_number(fit.get("n_epochs")) else None


def replaced(
    planned: Sequence[Planned], config: Mapping[str, Any], results: ResultPaths
) -> list[Replaced]:
    """The finished trainings that this run, of `planned` trainings, would replace."""
    ledger, data = Ledger(results), data_settings(config)
    found: dict[Path, Replaced] = {}
    # Those without `init` first: the others start from them.
    for training in sorted(planned, key=lambda training: bool(_donors(training))):
        model, settings = training.model, training.settings
        fit = finished(model)
        if fit is None:
            continue
        differences = _differences(fit, settings)
        before = ledger.settings(model, fit["checksum"])
        differences |= _of_data(before, data, results.replicas)
        if differences or any(donor in found for donor in _donors(training)):
            found[model.folder] = Replaced(model, float(fit["seconds"]), differences)
    return list(found.values())


def sentence(trainings: Sequence[Replaced], results: ResultPaths) -> str:
    """What is replaced, how long it took, and why. `trainings` is not empty."""
    changes = dict.fromkeys(
        f"{key} {_shown(old)} -> {_shown(new)}"
        for training in trainings
        for key, (old, new) in training.differences.items()
    )
    number = f"{len(trainings)} finished training{'s' if len(trainings) > 1 else ''}"
    seconds = sum(training.seconds for training in trainings)
    return (
        f"this run would replace {number} in {results.folder}, which took {duration(seconds)}, "
        f"because of other settings: {listed([*changes], FEW, '; ')}"
    )


def check(trainings: Sequence[Replaced], results: ResultPaths) -> None:
    """Raise UserError if there are `trainings` that a run would replace."""
    if trainings:
        raise UserError(
            f"{sentence(trainings, results)}. To keep them, give this run another name "
            "(--config name=...); to replace them, add replace=true to --config (with make: "
            "REPLACE=1)"
        )


def _models_in(root: Path) -> Iterator[ModelPaths]:
    """The models in a folder of results, whether they are in the configuration or not."""
    for fit in sorted(root.glob("models/*/fold-*/fit.json")):
        number = fit.parent.name.removeprefix("fold-")
        if re.fullmatch("[0-9]{1,4}", number):
            yield ModelPaths(root, fit.parents[1].name, int(number))


def _donors(training: Planned) -> list[Path]:
    """The folders of the models of the same fold that a training starts from."""
    model = training.model
    variants = training.settings["network"]["init"].values()
    return [model.folder.parents[1] / variant / model.folder.name for variant in variants]


def _differences(fit: Mapping[str, Any], settings: Mapping[str, Any]) -> Differences:
    """The settings in `fit` that differ. A key that an older version did not record is equal."""
    old = _flat({key: fit[key] for key in settings if key in fit})
    new = _flat({key: value for key, value in settings.items() if key in fit})
    differences = _unequal(old, new)
    # More epochs continue a training.
    epochs = differences.pop("training.max_epochs", None)
    if epochs and fit["n_epochs"] > epochs[1]:
        differences["training.max_epochs"] = epochs
    return differences


def _of_data(before: Mapping[str, Any], now: Mapping[str, Any], pairs: Path) -> Differences:
    """The settings of the data that differ, and that matter for the data."""
    if not before:
        return {}
    differences = _unequal(before, now)
    # Where no audio is bad, `fail` uses the same tracks.
    if "fail" in differences.get("on_bad_audio", ()):
        del differences["on_bad_audio"]
    if "replicas" in differences and not _has_pairs(pairs):
        del differences["replicas"]
    return differences


def _unequal(old: Mapping[str, Any], new: Mapping[str, Any]) -> Differences:
    """Compared as JSON, as a training does: 1 and 1.0 are two settings."""
    return {
        key: (old.get(key), new.get(key))
        for key in {**old, **new}
        if _json(old.get(key)) != _json(new.get(key))
    }


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """`settings` without nesting: keys are joined by dots."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _has_pairs(table: Path) -> bool:
    """Whether any pair counts, or the table cannot be read."""
    with suppress(OSError, ValueError, csv.Error), table.open(encoding="utf-8", newline="") as file:
        return any(row.get("verdict") != DOUBTFUL for row in csv.DictReader(file))
    return True


def _json(value: Any) -> str:
    # A configuration that somebody has edited may have dates.
    return json.dumps(value, default=str)


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else _json(value)
    text = "none" if value is None else printable(text)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}..."


def _is_number(value: Any) -> bool:
    # Not NaN, and nothing that no training can have.
    return isinstance(value, int | float) and 0 <= value < MOST


def _read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty if it is missing, damaged or something else."""
    with suppress(OSError, ValueError, RecursionError):
        content = json.loads(path.read_text(encoding="utf-8"))
        return content if isinstance(content, dict) else {}
    return {}
