"""The inputs of the report: tables, predictions, spectra and weights."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts import checked_tables
from workflow_scripts.dataset import replicas, split
from workflow_scripts.dataset.track_tables import SKIPPED, annotated_bpm, read_table
from workflow_scripts.interpretation import clips, filter_table, intervention_table
from workflow_scripts.interpretation.clips import Clip
from workflow_scripts.networks import weights
from workflow_scripts.networks.architecture import Weights
from workflow_scripts.networks.identity import ModelKey
from workflow_scripts.report import intervention_texts
from workflow_scripts.report.outcomes import Outcomes
from workflow_scripts.results import (
    baselines,
    checked_predictions,
    comparison,
    predictions,
    provenance,
    table1,
)


@dataclass(frozen=True)
class Material:
    """Finished results; the keys of dictionaries are variants, in the table's order.

    Lists of tables have one table per fold. table: table1.csv. baselines: baselines.csv. fits: the
    contents of all fit.json. interventions: interventions.csv; changed: those of the counts that it
    summarises that the page describes. filters and spectra: written by the step interpret.
    first_weights: the models of fold 0. replicas: replicas.csv. bpm: the annotated tempo of each
    track, (tracks,), None unless all are known. clips: the segments that the filters in sounds.csv
    respond to most, by trunk and filter, in the order of the table.
    """

    tracks: split.Tracks
    bpm: np.ndarray | None
    n_skipped: int
    replicas: pd.DataFrame
    table: pd.DataFrame
    baselines: pd.DataFrame
    outcomes: dict[str, list[Outcomes]]
    histories: dict[str, list[pd.DataFrame]]
    fits: list[dict[str, Any]]
    interventions: pd.DataFrame
    changed: dict[str, pd.DataFrame]
    filters: dict[str, pd.DataFrame]
    spectra: dict[str, dict[str, np.ndarray]]
    first_weights: dict[str, Weights]
    clips: dict[tuple[str, int], list[Clip]]

    @property
    def variants(self) -> list[str]:
        """The names of the variants."""
        return list(self.outcomes)

    @cached_property
    def predictions(self) -> dict[str, list[pd.DataFrame]]:
        """The tables of `outcomes`."""
        return {v: [fold.table for fold in folds] for v, folds in self.outcomes.items()}

    @property
    def never_predicted(self) -> dict[str, list[str]]:
        """The classes that each variant predicts for no track."""
        return {
            v: predictions.never_predicted(pd.concat(folds), self.tracks.classes)
            for v, folds in self.predictions.items()
        }

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
        return comparison.pairs(self.predictions, self.test_share)

    @property
    def test_share(self) -> float:
        """The size of the test set relative to that of the training set."""
        # One of K folds is the test set, one the validation set, the others are training data.
        return 1 / max(self.tracks.n_folds - 2, 1)

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
        medians = pd.Series(self.bpm).groupby(self.tracks.label).median()
        return {str(name): float(bpm) for name, bpm in medians.items()}

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
    table = table1.read(options.table, tracks)
    variants = table["variant"].tolist()
    keys = {(v, k): ModelKey.of(v, k, tracks) for v in variants for k in range(tracks.n_folds)}

    fits = [provenance.read(*pair) for pair in zip(options.fits, keys.values(), strict=True)]
    origins = dict(zip(keys, map(checked_predictions.Origin.of, fits), strict=True))

    def of_folds(files: Sequence[Path]) -> dict[str, Sequence[Path]]:
        starts = range(0, len(files), tracks.n_folds)
        parts = [files[start : start + tracks.n_folds] for start in starts]
        return dict(zip(variants, parts, strict=True))

    def of_variants(files: Sequence[Path]) -> dict[str, Path]:
        return dict(zip(variants, files, strict=True))

    return Material(
        tracks=tracks,
        bpm=annotated_bpm(options.tracks, tracks.track_id),
        n_skipped=len(read_table(options.skipped, SKIPPED)),
        replicas=replicas.read(options.replicas),
        table=table,
        baselines=baselines.read(options.baselines, tracks),
        # Only one table of votes and probabilities is in memory at a time.
        outcomes={
            v: [
                Outcomes.of(checked_predictions.read(csv, tracks, origins[v, k]), tracks)
                for k, csv in enumerate(files)
            ]
            for v, files in of_folds(options.predictions).items()
        },
        histories={
            v: [checked_tables.read(csv, keys[v, k].history) for k, csv in enumerate(files)]
            for v, files in of_folds(options.histories).items()
        },
        fits=fits,
        interventions=intervention_table.read_summaries(options.interventions, tracks),
        changed={
            v: intervention_texts.described(intervention_table.read(csv, v, tracks))
            for v, csv in of_variants(options.counts).items()
        },
        filters={
            v: filter_table.read(csv, v, tracks) for v, csv in of_variants(options.filters).items()
        },
        spectra={
            v: filter_table.read_spectra(npz, v, tracks)
            for v, npz in of_variants(options.spectra).items()
        },
        first_weights={
            v: weights.read(npz, keys[v, 0]) for v, npz in of_variants(options.weights).items()
        },
        clips=clips_of_filters(options.sounds, tracks),
    )


def clips_of_filters(folder: Path, tracks: split.Tracks) -> dict[tuple[str, int], list[Clip]]:
    """The clips in sounds/ by trunk and filter, in the order of sounds.csv."""
    table = filter_table.read_sounds(folder, tracks)
    rows = table[table["kind"] == "segment"]
    found: dict[tuple[str, int], list[Clip]] = {}
    for row, clip in zip(rows.itertuples(), clips.read(folder, table, tracks), strict=True):
        found.setdefault((row.trunk, row.filter), []).append(clip)
    return found
