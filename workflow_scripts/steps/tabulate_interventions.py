"""Write the accuracies under interventions: one row per variant, intervention and amount."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from workflow_scripts import checked_tables
from workflow_scripts.dataset import split
from workflow_scripts.interpretation import intervention_table
from workflow_scripts.process import run


def main(arguments: Sequence[str] | None = None) -> None:
    """Read interventions/<variant>.csv of all variants; write interventions.csv."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folds", type=Path, required=True, help="folds.csv")
    parser.add_argument(
        "--counts", type=Path, nargs="+", required=True, help="interventions/<variant>.csv"
    )
    parser.add_argument("--table", type=Path, required=True, help="CSV to write")
    options = parser.parse_args(arguments)

    tracks = split.read(options.folds)
    tables = []
    for csv in options.counts:
        table = intervention_table.summary(intervention_table.read(csv, csv.stem, tracks))
        table.insert(0, "variant", csv.stem)
        tables.append(table)
    what = intervention_table.what_summaries(tracks)
    checked_tables.write(options.table, pd.concat(tables), what)


if __name__ == "__main__":
    run(main)
