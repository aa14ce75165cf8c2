"""The inputs of the report: tables, predictions, spectra and weights."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workflow_scripts.audio.parameters import FrontEnd
from workflow_scripts.dataset import replicas, split
from workflow_scripts.dataset.track_tables import SKIPPED, annotated_bpm, read_table
from workflow_scripts.interpretation import clips, filter_table, intervention_table
from workflow_scripts.interpretation.clips import Clip
from workflow_scripts.networks import weights
from workflow_scripts.networks.architecture import Weights
from workflow_scripts.networks.identity import ModelKey
from workflow_scripts.report import intervention_texts
from workflow_scripts.report.outcomes import Outcomes
from workflow_scripts.results import comparison, predictions, seed_results, sweep_table, table1
from workflow_scripts.results.caveats import Evidence
from workflow_scripts.results.seed_results import SeedResults
from workflow_scripts.results.trainings import Trainings


@dataclass(frozen=True)
class Material:
    """Finished results; the keys of dictionaries are variants, in the table's order.

    Lists of tables have one table per fold, of the first seed if nothing else is said. of_seeds:
    the results of all seeds, and all_outcomes their outcomes, seed by seed. tracks: with the folds
    of the first seed. table: table1.csv. sweeps: the rows of each sweep in sweeps.csv. baselines:
    the baselines.csv of all seeds. fits: the contents of all fit.json. interventions:
    interventions.csv; changed: those of the counts that it summarises that the page describes.
    filters and spectra: written by the step interpret. first_weights: the models of fold 0.
    replicas: replicas.csv. bpm: the annotated tempo of each track, (tracks,), None unless all are
    known. clips: the segments that the filters in sounds.csv respond to most, by trunk and filter,
    in the order of the table. front_end: that of the features.
    """

    of_seeds: list[SeedResults]
    bpm: np.ndarray | None
    n_skipped: int
    replicas: pd.DataFrame
    table: pd.DataFrame
    sweeps: dict[str, pd.DataFrame]
    all_outcomes: dict[str, list[Outcomes]]
    interventions: pd.DataFrame
    changed: dict[str, pd.DataFrame]
    filters: dict[str, pd.DataFrame]
    spectra: dict[str, dict[str, np.ndarray]]
    first_weights: dict[str, Weights]
    clips: dict[tuple[str, int], list[Clip]]
    front_end: FrontEnd

    @property
    def variants(self) -> list[str]:
        """The names of the variants."""
        return list(self.all_outcomes)

    @property
    def tracks(self) -> split.Tracks:
        """The tracks with the folds of the first seed."""
        return self.of_seeds[0].tracks

    @property
    def baselines(self) -> pd.DataFrame:
        """baselines.csv of all seeds, seed by seed, sorted by fold."""
        tables = [own.baselines.sort_values("fold", kind="stable") for own in self.of_seeds]
        return pd.concat(tables, ignore_index=True)

    @property
    def fits(self) -> list[dict[str, Any]]:
        """The contents of each fit.json, seed by seed."""
        return [fit for own in self.of_seeds for fit in own.all_fits]

    @property
    def histories(self) -> Mapping[str, Sequence[pd.DataFrame]]:
        """The tables history.csv of each variant, of the first seed."""
        return self.of_seeds[0].histories

    @property
    def outcomes(self) -> dict[str, list[Outcomes]]:
        """The outcomes of the first seed."""
        n_folds = self.tracks.n_folds
        return {v: folds[:n_folds] for v, folds in self.all_outcomes.items()}

    @cached_property
    def predictions(self) -> dict[str, list[pd.DataFrame]]:
        """The tables of `outcomes`."""
        return {v: [fold.table for fold in folds] for v, folds in self.outcomes.items()}

    @cached_property
    def all_predictions(self) -> dict[str, list[pd.DataFrame]]:
        """The tables of `all_outcomes`."""
        return {v: [fold.table for fold in folds] for v, folds in self.all_outcomes.items()}

    @property
    def never_predicted(self) -> dict[str, list[str]]:
        """The classes that each variant predicts for no track, with any seed."""
        return {
            v: predictions.never_predicted(pd.concat(folds), self.tracks.classes)
            for v, folds in self.all_predictions.items()
        }

    @property
    def architectures(self) -> dict[str, str]:
        """The architecture of each variant."""
        return dict(zip(self.variants, self.table["architecture"], strict=True))

    @cached_property
    def accuracies(self) -> dict[str, list[float]]:
        """The accuracies of each variant in %, one per fold of each seed."""
        return {
            variant: [predictions.track_accuracy(fold) for fold in folds]
            for variant, folds in self.all_predictions.items()
        }

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """The comparisons of `comparison.pairs` over all seeds."""
        return comparison.pairs(self.all_predictions, comparison.test_share(self.tracks))

    def evidence(self, dataset: str) -> Evidence:
        """What the caveats are computed from; `dataset` is ballroom, demo or folder."""
        return Evidence(
            folds_of={own.seed: own.tracks for own in self.of_seeds},
            fits=self.fits,
            histories=[history for own in self.of_seeds for history in own.all_histories],
            predictions=self.all_predictions,
            pairs=self.pairs,
            never_predicted=self.never_predicted,
            replicas=self.replicas,
            n_skipped=self.n_skipped,
            dataset=dataset,
        )

    @cached_property
    def trainings(self) -> Trainings:
        """The trainings of all seeds."""
        return Trainings.of(
            self.fits, [history for own in self.of_seeds for history in own.all_histories]
        )

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
    tracks = split.read(options.folds[0])
    table = table1.read(options.table, tracks)
    variants = table["variant"].tolist()
    of_seeds = seed_results.read(
        variants,
        options.folds,
        options.baselines,
        options.predictions,
        options.fits,
        options.histories,
    )

    def of_variants(files: Sequence[Path]) -> dict[str, Path]:
        return dict(zip(variants, files, strict=True))

    return Material(
        of_seeds=of_seeds,
        bpm=annotated_bpm(options.tracks, tracks.track_id),
        n_skipped=len(read_table(options.skipped, SKIPPED)),
        replicas=replicas.read(options.replicas),
        table=table,
        sweeps={
            str(name): rows.reset_index(drop=True)
            for csv in options.sweeps
            for name, rows in sweep_table.read(csv, tracks).groupby("sweep", sort=False)
        },
        # Only one table of votes and probabilities is in memory at a time.
        all_outcomes={
            v: [Outcomes.of(t, own.tracks) for own in of_seeds for t in own.predictions(v)]
            for v in variants
        },
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
            v: weights.read(npz, ModelKey.of(v, 0, tracks))
            for v, npz in of_variants(options.weights).items()
        },
        clips=clips_of_filters(options.sounds, tracks),
        front_end=FrontEnd.from_config(options.configuration["front_end"]),
    )


def clips_of_filters(folder: Path, tracks: split.Tracks) -> dict[tuple[str, int], list[Clip]]:
    """The clips in sounds/ by trunk and filter, in the order of sounds.csv."""
    table = filter_table.read_sounds(folder, tracks)
    rows = table[table["kind"] == "segment"]
    found: dict[tuple[str, int], list[Clip]] = {}
    for row, clip in zip(rows.itertuples(), clips.read(folder, table, tracks), strict=True):
        found.setdefault((row.trunk, row.filter), []).append(clip)
    return found
