"""Write Table I: one row per variant, over all folds."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from workflow_scripts import checked_tables
from workflow_scripts.atomic_files import atomic
from workflow_scripts.audio.parameters import N_BANDS
from workflow_scripts.dataset import replicas, split
from workflow_scripts.dataset.track_tables import SKIPPED, read_table
from workflow_scripts.errors import UserError
from workflow_scripts.networks.architecture import Network
from workflow_scripts.networks.identity import ModelKey
from workflow_scripts.process import run
from workflow_scripts.results import (
    checked_predictions,
    comparison,
    predictions,
    provenance,
    table1,
)
from workflow_scripts.results.baselines import read as read_baselines
from workflow_scripts.results.caveats import Evidence, caveats
from workflow_scripts.results.notes import legend


def main(arguments: Sequence[str] | None = None) -> None:
    """Read predictions, baselines and the record of each training; write table1.csv, .md, .tex."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folds", type=Path, required=True, help="folds.csv")
    parser.add_argument("--skipped", type=Path, required=True, help="skipped.csv")
    parser.add_argument("--replicas", type=Path, required=True, help="replicas.csv")
    parser.add_argument("--baselines", type=Path, required=True, help="baselines.csv")
    parser.add_argument(
        "--variants", type=json.loads, required=True, help="JSON, name: description"
    )
    parser.add_argument(
        "--predictions",
        type=Path,
        nargs="+",
        required=True,
        help="variant by variant, fold by fold",
    )
    parser.add_argument("--fits", type=Path, nargs="+", required=True, help="each fit.json")
    parser.add_argument("--histories", type=Path, nargs="+", required=True, help="each history.csv")
    parser.add_argument("--dataset", required=True, help="ballroom, demo or folder")
    parser.add_argument("--name", required=True, help="name of the experiment")
    parser.add_argument(
        "--table", type=Path, required=True, help="CSV to write, with .md and .tex beside"
    )
    options = parser.parse_args(arguments)

    tracks = split.read(options.folds)
    baselines = read_baselines(options.baselines, tracks)
    n_models = len(options.variants) * tracks.n_folds
    if len(options.predictions) != n_models:
        raise UserError(
            f"there are {len(options.predictions)} files of predictions, but {options.folds} has "
            f"{tracks.n_folds} folds for {len(options.variants)} variants; run snakemake to its end"
        )
    keys = [ModelKey.of(v, k, tracks) for v in options.variants for k in range(tracks.n_folds)]
    fits = [provenance.read(fit, key) for fit, key in zip(options.fits, keys, strict=True)]
    predicted_by = zip(options.predictions, map(checked_predictions.Origin.of, fits), strict=True)
    folds_of = zip(*[iter(predicted_by)] * tracks.n_folds, strict=True)
    histories = [
        checked_tables.read(csv, key.history)
        for csv, key in zip(options.histories, keys, strict=True)
    ]
    numbers = predictions.Numbers(tracks)
    rows, never_predicted, outcomes = [], {}, {}
    for (variant, description), folds in zip(options.variants.items(), folds_of, strict=True):
        network = Network.from_config(description, N_BANDS, len(tracks.classes))
        tables = [checked_predictions.read(path, tracks, origin) for path, origin in folds]
        rows.append(table1.row(variant, description, network, tables, baselines))
        outcomes[variant] = [numbers.of(own) for own in tables]
        predicted = pd.concat([own[["predicted"]] for own in tables])
        never_predicted[variant] = predictions.never_predicted(predicted, tracks.classes)
    table = pd.DataFrame(rows)
    if options.dataset == "ballroom":
        table = table1.with_paper(table)

    title = f"Table I of {options.name}"
    evidence = Evidence(
        tracks=tracks,
        fits=fits,
        histories=histories,
        predictions=outcomes,
        pairs=comparison.pairs(outcomes, comparison.test_share(tracks.n_folds)),
        never_predicted=never_predicted,
        replicas=replicas.read(options.replicas),
        n_skipped=len(read_table(options.skipped, SKIPPED)),
        dataset=options.dataset,
    )
    sentences = [legend(tracks), *caveats(evidence), provenance.sentence(fits)]
    shown = table1.for_people(table)
    checked_tables.write(options.table, table, table1.what(tracks))
    with atomic(options.table.with_suffix(".md")) as path:
        path.write_text(table1.markdown(shown, title, sentences), encoding="utf-8")
    with atomic(options.table.with_suffix(".tex")) as path:
        path.write_text(table1.latex(shown, title, sentences), encoding="utf-8")


if __name__ == "__main__":
    run(main)
