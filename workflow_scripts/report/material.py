"""The inputs of the report: tables, predictions, spectra and weights."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts.dataset import replicas, split
from workflow_scripts.dataset.track_tables import annotated_bpm, read_table
from workflow_scripts.interpretation import intervention_table
from workflow_scripts.networks import weights
from workflow_scripts.networks.architecture import Weights
from workflow_scripts.report import filter_texts
from workflow_scripts.results import comparison, predictions


@dataclass(frozen=True)
class Material:
    """Finished results; the keys of dictionaries are variants, in the table's order.

    Lists of tables have one table per fold. table: table1.csv. baselines: baselines.csv. fits: the
    contents of all fit.json. interventions: interventions.csv; changed: the counts that it
    summarises. filters and spectra: written by the step interpret. first_weights: the models of
    fold 0. replicas: replicas.csv. bpm: the annotated tempo of each track, (tracks,), None unless
    all are known.
    """

    tracks: split.Tracks
    bpm: np.ndarray | None
    n_skipped: int
    replicas: pd.DataFrame
    table: pd.DataFrame
    baselines: pd.DataFrame
    predictions: dict[str, list[pd.DataFrame]]
    histories: dict[str, list[pd.DataFrame]]
    fits: list[dict[str, Any]]
    interventions: pd.DataFrame
    changed: dict[str, pd.DataFrame]
    filters: dict[str, pd.DataFrame]
    spectra: dict[str, dict[str, np.ndarray]]
    first_weights: dict[str, Weights]

    @property
    def variants(self) -> list[str]:
        """The names of the variants."""
        return list(self.predictions)

    @property
    def architectures(self) -> dict[str, str]:
        """The architecture of each variant."""
        return dict(zip(self.variants, self.table["architecture"], strict=True))

    @cached_property
    def accuracies(self) -> dict[str, list[float]]:
        """The accuracies of each variant, one per fold, in %."""
        return {
            variant: [predictions.track_accuracy(fold) for fold in folds]
            for variant, folds in self.predictions.items()
        }

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """The comparisons of `comparison.pairs`."""
        # One of K folds is the test set, one the validation set, the others are training data.
        return comparison.pairs(self.predictions, 1 / max(self.tracks.n_folds - 2, 1))

    @property
    def tempi(self) -> dict[str, np.ndarray]:
        """The BPM of temporal filters, NaN for none, for each variant with temporal filters."""
        rows = {variant: spectra["response_rows"] for variant, spectra in self.spectra.items()}
        return {
            variant: self.filters[variant]["tempo"].to_numpy()[own]
            for variant, own in rows.items()
            if len(own)
        }

    @property
    def class_tempi(self) -> dict[str, float]:
        """The median annotated BPM of each class; empty unless all tempi are known."""
        if self.bpm is None:
            return {}
        labels = self.tracks.label
        return {name: float(np.median(self.bpm[labels == name])) for name in self.tracks.classes}

    @property
    def spectral(self) -> list[tuple[str, str]]:
        """Variant and name of each trunk with spectral filters."""
        return [
            (variant, str(trunk))
            for variant, table in self.filters.items()
            for trunk in table.loc[table["offset"].notna(), "trunk"].unique()
        ]


def read(options: argparse.Namespace) -> Material:
    """Read the files in the options of the step report."""
    tracks = split.read(options.folds)
    table = pd.read_csv(
        options.table, keep_default_na=False, na_values=[""], dtype={"variant": str}
    )
    table["baseline"] = table["baseline"].fillna("")
    variants = table["variant"].tolist()

    def of_folds(files: Sequence[Path]) -> dict[str, Sequence[Path]]:
        starts = range(0, len(files), tracks.n_folds)
        parts = [files[start : start + tracks.n_folds] for start in starts]
        return dict(zip(variants, parts, strict=True))

    def of_variants(files: Sequence[Path]) -> dict[str, Path]:
        return dict(zip(variants, files, strict=True))

    return Material(
        tracks=tracks,
        bpm=annotated_bpm(options.tracks, tracks.track_id),
        n_skipped=len(read_table(options.skipped)),
        replicas=replicas.read(options.replicas),
        table=table,
        baselines=pd.read_csv(options.baselines),
        predictions={
            v: [predictions.read(csv) for csv in files]
            for v, files in of_folds(options.predictions).items()
        },
        histories={
            v: [pd.read_csv(csv) for csv in files]
            for v, files in of_folds(options.histories).items()
        },
        fits=[json.loads(fit.read_text()) for fit in options.fits],
        interventions=pd.read_csv(
            options.interventions, dtype={"variant": str}, keep_default_na=False
        ),
        changed={v: intervention_table.read(csv) for v, csv in of_variants(options.counts).items()},
        filters={v: filter_texts.read(csv) for v, csv in of_variants(options.filters).items()},
        spectra={v: dict(np.load(npz)) for v, npz in of_variants(options.spectra).items()},
        first_weights={v: weights.read(npz) for v, npz in of_variants(options.weights).items()},
    )
