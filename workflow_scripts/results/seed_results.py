"""The results of each seed, read from their files."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from workflow_scripts import checked_tables
from workflow_scripts.dataset import split
from workflow_scripts.errors import UserError
from workflow_scripts.networks.identity import ModelKey
from workflow_scripts.results import baselines, checked_predictions, provenance

T = TypeVar("T")


@dataclass(frozen=True)
class SeedResults:
    """The results of one seed.

    `tracks` are those of its folds.csv, `baselines` is its baselines.csv. `fits` has the contents
    of each fit.json, `histories` the tables history.csv and `files` the tables of predictions, fold
    by fold for each variant.
    """

    tracks: split.Tracks
    baselines: pd.DataFrame
    fits: Mapping[str, Sequence[dict[str, Any]]]
    histories: Mapping[str, Sequence[pd.DataFrame]]
    files: Mapping[str, Sequence[Path]]

    @property
    def seed(self) -> int:
        """The seed with which the models were trained."""
        return int(next(iter(self.fits.values()))[0]["seed"])

    @property
    def all_fits(self) -> list[dict[str, Any]]:
        """The contents of each fit.json, variant by variant, fold by fold."""
        return [fit for fits in self.fits.values() for fit in fits]

    @property
    def all_histories(self) -> list[pd.DataFrame]:
        """The table history.csv of each training, in the order of `all_fits`."""
        return [history for histories in self.histories.values() for history in histories]

    def predictions(self, variant: str) -> Iterator[pd.DataFrame]:
        """Read the variant's predictions of one fold after the other, and check them."""
        for csv, fit in zip(self.files[variant], self.fits[variant], strict=True):
            yield checked_predictions.read(csv, self.tracks, checked_predictions.Origin.of(fit))


def read(
    variants: Sequence[str],
    folds: Sequence[Path],
    baselines_csv: Sequence[Path],
    predictions: Sequence[Path],
    fits: Sequence[Path],
    histories: Sequence[Path],
) -> list[SeedResults]:
    """The results of each seed.

    `folds` and `baselines_csv` have a file for each seed; `predictions`, `fits` and `histories`
    are sorted by seed, then by variant, then by fold. Raises UserError if files are damaged,
    missing or too many.
    """
    tracks = [split.read(csv) for csv in folds]
    n_models = [len(variants) * own.n_folds for own in tracks]
    if {len(predictions), len(fits), len(histories)} != {sum(n_models)}:
        of_seeds = f" and {len(folds)} seeds" if len(folds) > 1 else ""
        raise UserError(
            f"there are {len(predictions)} files of predictions, but {folds[0]} has "
            f"{tracks[0].n_folds} folds for {len(variants)} variants{of_seeds}; run snakemake to "
            "its end"
        )
    results, start = [], 0
    for own, csv, n in zip(tracks, baselines_csv, n_models, strict=True):
        files, start = slice(start, start + n), start + n
        keys = [ModelKey.of(v, k, own) for v in variants for k in range(own.n_folds)]
        contents = [provenance.read(*pair) for pair in zip(fits[files], keys, strict=True)]
        epochs = [
            checked_tables.read(csv, key.history)
            for csv, key in zip(histories[files], keys, strict=True)
        ]
        results.append(
            SeedResults(
                own,
                baselines.read(csv, own),
                dict(zip(variants, parts(contents, own.n_folds), strict=True)),
                dict(zip(variants, parts(epochs, own.n_folds), strict=True)),
                dict(zip(variants, parts(predictions[files], own.n_folds), strict=True)),
            )
        )
    seeds = [own.seed for own in results]
    if len(set(seeds)) < len(seeds):
        raise UserError(
            f"the models of the folds in {', '.join(map(str, folds))} are of the seeds "
            f"{', '.join(map(str, seeds))}, not of different ones; remove the copied results and "
            "run snakemake"
        )
    return results


def parts(values: Sequence[T], length: int) -> list[Sequence[T]]:
    """Successive parts of `values` of this length."""
    return [values[start : start + length] for start in range(0, len(values), length)]
