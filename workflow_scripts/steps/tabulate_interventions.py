"""Write the accuracies under interventions: one row per variant, intervention and amount."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from workflow_scripts.atomic_files import atomic
from workflow_scripts.interpretation import intervention_table
from workflow_scripts.process import run


def main(arguments: Sequence[str] | None = None) -> None:
    """Read interventions/<variant>.csv of all variants; write interventions.csv."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--counts", type=Path, nargs="+", required=True, help="interventions/<variant>.csv"
    )
    parser.add_argument("--table", type=Path, required=True, help="CSV to write")
    options = parser.parse_args(arguments)

    tables = []
    for csv in options.counts:
        table = intervention_table.summary(intervention_table.read(csv))
        table.insert(0, "variant", csv.stem)
        tables.append(table)
    with atomic(options.table) as path:
        pd.concat(tables).to_csv(path, index=False)


if __name__ == "__main__":
    run(main)
