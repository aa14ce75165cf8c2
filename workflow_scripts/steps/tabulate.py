"""Write Table I, one row per variant over all folds of all seeds, and tidy tables."""

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from workflow_scripts import checked_tables
from workflow_scripts.atomic_files import atomic
from workflow_scripts.dataset import replicas
from workflow_scripts.dataset.experiment_data import add_front_end
from workflow_scripts.dataset.split import Tracks
from workflow_scripts.dataset.track_tables import SKIPPED, read_table
from workflow_scripts.networks.architecture import Network
from workflow_scripts.process import run
from workflow_scripts.results import (
    comparison,
    predictions,
    provenance,
    seed_results,
    sweep_table,
    table1,
    tidy_tables,
)
from workflow_scripts.results.caveats import Evidence, caveats
from workflow_scripts.results.notes import legend


def parser(description: str) -> argparse.ArgumentParser:
    """The options of this step, and of the one that tabulates one row."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--folds", type=Path, nargs="+", required=True, help="folds.csv by seed")
    parser.add_argument("--skipped", type=Path, required=True, help="skipped.csv")
    parser.add_argument("--replicas", type=Path, required=True, help="replicas.csv")
    parser.add_argument(
        "--baselines", type=Path, nargs="+", required=True, help="baselines.csv by seed"
    )
    add_front_end(parser)
    parser.add_argument(
        "--variants", type=json.loads, required=True, help="JSON, name: description"
    )
    parser.add_argument(
        "--predictions",
        type=Path,
        nargs="+",
        required=True,
        help="seed by seed, variant by variant, fold by fold",
    )
    parser.add_argument("--fits", type=Path, nargs="+", required=True, help="each fit.json")
    parser.add_argument("--histories", type=Path, nargs="+", required=True, help="each history.csv")
    parser.add_argument("--dataset", required=True, help="ballroom, demo or folder")
    parser.add_argument("--name", required=True, help="name of the experiment")
    parser.add_argument("--table", type=Path, required=True, help="CSV to write")
    return parser


@dataclass(frozen=True)
class Tabulated:
    """Table I, the sentences below it, and the rows of the tidy tables, model by model."""

    tracks: Tracks
    table: pd.DataFrame
    sentences: list[str]
    tidy: list[pd.DataFrame]
    evidence: Evidence


def tabulated(options: argparse.Namespace) -> Tabulated:
    """Compute the table from the files in the options."""
    of_seeds = seed_results.read(
        list(options.variants),
        options.folds,
        options.baselines,
        options.predictions,
        options.fits,
        options.histories,
    )
    tracks = of_seeds[0].tracks
    baselines = pd.concat([own.baselines for own in of_seeds])
    numbers = predictions.Numbers(tracks)
    track_ids = {own.seed: pd.CategoricalDtype(own.tracks.track_id) for own in of_seeds}
    rows, never_predicted, outcomes, tidy = [], {}, {}, []
    for variant, description in options.variants.items():
        network = Network.from_config(description, options.front_end.n_bands, len(tracks.classes))
        models = [
            (own, fit, table)
            for own in of_seeds
            for fit, table in zip(own.fits[variant], own.predictions(variant), strict=True)
        ]
        tables = [table for *_, table in models]
        row = table1.row(variant, description, network, tables, baselines, len(of_seeds))
        rows.append(row)
        outcomes[variant] = [numbers.of(own) for own in tables]
        predicted = pd.concat([own[["predicted"]] for own in tables])
        tidy += [
            tidy_tables.of_model(fit, table, track_ids[own.seed], tracks.classes)
            for own, fit, table in models
        ]
        never_predicted[variant] = predictions.never_predicted(predicted, tracks.classes)
    table = pd.DataFrame(rows)
    if options.dataset == "ballroom":
        table = table1.with_paper(table)

    all_fits = [fit for own in of_seeds for fit in own.all_fits]
    evidence = Evidence(
        folds_of={own.seed: own.tracks for own in of_seeds},
        fits=all_fits,
        histories=[history for own in of_seeds for history in own.all_histories],
        predictions=outcomes,
        pairs=comparison.pairs(outcomes, comparison.test_share(tracks)),
        never_predicted=never_predicted,
        replicas=replicas.read(options.replicas),
        n_skipped=len(read_table(options.skipped, SKIPPED)),
        dataset=options.dataset,
    )
    sentences = [legend(tracks, len(of_seeds)), *caveats(evidence), provenance.sentence(all_fits)]
    return Tabulated(tracks, table, sentences, tidy, evidence)


def write_markdown(path: Path, shown: pd.DataFrame, name: str, sentences: Sequence[str]) -> None:
    """Write the table as a page; `name` is that of the experiment."""
    with atomic(path) as partial:
        text = table1.markdown(shown, f"Table I of {name}", sentences)
        partial.write_text(text, encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> None:
    """Read predictions, baselines and the record of each training; write Table I, tidy tables.

    The table is written as .md and .tex too, and predictions.csv, per_class.csv, confusions.csv and
    sweeps.csv beside it.
    """
    step = parser(str(__doc__))
    step.add_argument(
        "--sweeps",
        type=json.loads,
        default={},
        help="JSON, name: base, key and rows; with any, sweeps.csv is written beside the table",
    )
    options = step.parse_args(arguments)
    made = tabulated(options)
    shown = table1.for_people(made.table)
    checked_tables.write(options.table, made.table, table1.what(made.tracks))
    write_markdown(options.table.with_suffix(".md"), shown, options.name, made.sentences)
    with atomic(options.table.with_suffix(".tex")) as path:
        path.write_text(table1.latex(shown, options.name, made.sentences), encoding="utf-8")
    tidy_tables.write(options.table.parent, made.tidy, made.tracks)
    of_sweeps = options.table.with_name("sweeps.csv")
    if options.sweeps:
        sweep_table.write(of_sweeps, sweep_rows(options.sweeps, made), made.tracks)
    else:
        # Of sweeps that are no longer configured.
        of_sweeps.unlink(missing_ok=True)


def sweep_rows(sweeps: Mapping[str, Mapping[str, Any]], made: Tabulated) -> pd.DataFrame:
    """The rows of sweeps.csv."""
    return sweep_table.table(
        sweeps,
        {
            variant: [predictions.track_accuracy(fold) for fold in folds]
            for variant, folds in made.evidence.predictions.items()
        },
        n_seeds=len(made.evidence.folds_of),
        test_share=comparison.test_share(made.tracks),
        n_test=len(made.tracks.tested),
        pairs=made.evidence.pairs,
        unconverged=made.evidence.trainings.unconverged,
    )


if __name__ == "__main__":
    run(main)
