"""Finished results, for commands that run without Snakemake."""

import json
import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from workflow_scripts.dataset import split
from workflow_scripts.errors import UserError
from workflow_scripts.networks.identity import ModelKey
from workflow_scripts.paths import ModelPaths, ResultPaths, SeedPaths
from workflow_scripts.results import checked_predictions, provenance
from workflow_scripts.steps import tabulate
from workflow_scripts.workflow import configuration
from workflow_scripts.workflow.run_lock import RunLock
from workflow_scripts.workflow.training_settings import n_folds_of, seeds_of, settings_of

FIX = "run snakemake to its end with the configuration to keep and --forcerun tabulate"


@dataclass(frozen=True)
class FinishedResults:
    """The files of an experiment, its configuration, and the files of the first seed's models.

    `models` is sorted by variant, as in the table, then by fold.
    """

    paths: ResultPaths
    config: dict[str, Any]
    models: list[ModelPaths]
    # Held as long as this object exists.
    lock: RunLock

    @classmethod
    def open(cls, folder: Path, only_read: bool = False) -> "FinishedResults":
        """Lock `folder` (results/NAME) while the returned object exists; read its configuration.

        With `only_read`, a folder without permission to write is read without the lock.

        Raises UserError if `folder` has no results or a run uses it.
        """
        if not folder.is_dir():
            raise UserError(f"{folder} is not a folder; give the results of a run, results/NAME")
        lock = RunLock(folder)
        if not only_read or os.access(folder, os.W_OK):
            lock.acquire()
        paths = ResultPaths(folder)
        if not paths.config.exists():
            raise UserError(
                f"{paths.config} is missing, so the configuration of the run is unknown; run "
                "snakemake, with --forcerun tabulate if it finds nothing to do"
            )
        config = configuration.read_complete(paths.config)
        return cls(paths, config, paths.models(config["variants"], n_folds_of(config)), lock)

    def require(self, files: Iterable[Path]) -> None:
        """Raise UserError if any of `files` is missing."""
        missing = [path for path in files if not path.is_file()]
        if missing:
            more = f" and {len(missing) - 1} more are" if len(missing) > 1 else " is"
            raise UserError(
                f"{self.paths.folder} is unfinished: {missing[0].relative_to(self.paths.folder)}"
                f"{more} missing; run snakemake to its end"
            )

    @cached_property
    def sweeps(self) -> dict[str, dict[str, Any]]:
        """Base, key and rows of each sweep."""
        return configuration.read_sweeps(self.paths.config)

    @property
    def tables(self) -> list[Path]:
        """The files of Table I, the tidy tables and that of the sweeps."""
        return [*self.paths.tables, *([self.paths.sweeps] if self.sweeps else [])]

    @cached_property
    def seeds(self) -> dict[int, SeedPaths]:
        """The files of each seed."""
        return self.paths.of_seeds(seeds_of(self.config))

    @cached_property
    def all_models(self) -> list[ModelPaths]:
        """The files of the models of all seeds, seed by seed."""
        config = self.config
        return [
            model
            for own in self.seeds.values()
            for model in own.models(config["variants"], n_folds_of(config))
        ]

    def table_inputs(self) -> list[Path]:
        """The input files of the tables."""
        of_seeds = [path for own in self.seeds.values() for path in (own.folds, own.baselines)]
        predictions = [model.predictions for model in self.all_models]
        fits = [path for model in self.all_models for path in (model.fit, model.history)]
        return [*of_seeds, self.paths.skipped, self.paths.replicas, *predictions, *fits]

    @property
    def tracks(self) -> split.Tracks:
        """The tracks of the results, with the folds of the first seed."""
        return self.tracks_of(self.paths)

    def tracks_of(self, own: SeedPaths) -> split.Tracks:
        """The tracks of the results, with the folds of a seed."""
        if own.folder not in self._tracks:
            self.require([own.folds])
            self._tracks[own.folder] = split.read(own.folds)
        return self._tracks[own.folder]

    @cached_property
    def _tracks(self) -> dict[Path, split.Tracks]:
        return {}

    def key_of(self, model: ModelPaths) -> ModelKey:
        """What the files of a model belong to."""
        tracks = self.tracks_of(SeedPaths(model.results))
        return ModelKey.of(model.variant, model.fold, tracks)

    def fit_of(self, model: ModelPaths) -> dict[str, Any]:
        """The content of the fit.json of a model."""
        return provenance.read(model.fit, self.key_of(model))

    def origin_of(self, model: ModelPaths) -> checked_predictions.Origin:
        """What a model's predictions belong to."""
        return checked_predictions.Origin.of(self.fit_of(model))

    def check_settings(self, models: Sequence[ModelPaths]) -> None:
        """Raise UserError unless `models` were trained with the configuration of the results."""
        config = self.paths.config
        for own in self.seeds.values():
            n_folds = self.tracks_of(own).n_folds
            if n_folds != (expected := n_folds_of(self.config)):
                raise UserError(f"{own.folds} has {n_folds} folds, {config} {expected}; {FIX}")
        self.require(model.fit for model in models)
        seed_of = {own.folder: seed for seed, own in self.seeds.items()}
        for model in models:
            fit = self.fit_of(model)
            of_seed = self.config | {"seed": seed_of[model.results]}
            if key := provenance.other_setting(fit, settings_of(of_seed, model.variant)):
                raise UserError(
                    f"{model.folder} was trained with another {key} than in {config}; {FIX}"
                )

    def check_tables(self) -> None:
        """Raise UserError unless the tables match the predictions."""
        self.require([*self.tables, *self.table_inputs()])
        with tempfile.TemporaryDirectory() as again:
            self.write_tables(Path(again))
            for path in self.tables:
                if (Path(again) / path.name).read_bytes() != path.read_bytes():
                    raise UserError(f"{path} does not match the predictions; {FIX}")

    def write_tables(self, folder: Path) -> None:
        """Write Table I and the tidy tables into `folder`, as the rule tabulate does."""
        options = {
            "skipped": self.paths.skipped,
            "replicas": self.paths.replicas,
            "variants": json.dumps(self.config["variants"]),
            "sweeps": json.dumps(self.sweeps),
            "front-end": json.dumps(self.config["front_end"]),
            "dataset": self.config["dataset"],
            "name": self.config["name"],
            "table": folder / "table1.csv",
        }
        arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        arguments += ["--folds", *(str(own.folds) for own in self.seeds.values())]
        arguments += ["--baselines", *(str(own.baselines) for own in self.seeds.values())]
        arguments += ["--predictions", *(str(model.predictions) for model in self.all_models)]
        arguments += ["--fits", *(str(model.fit) for model in self.all_models)]
        arguments += ["--histories", *(str(model.history) for model in self.all_models)]
        tabulate.main(arguments)
