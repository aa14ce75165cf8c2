"""Write the tables of finished results again, from their predictions.

Snakemake would first ask for the audio that the tracks are listed from.
"""

import argparse
import sys
from pathlib import Path

from workflow_scripts.commands.finished_results import FinishedResults
from workflow_scripts.process import run


def main() -> None:
    """Write table1.csv, .md and .tex of results/NAME."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="results/NAME")
    results = FinishedResults.open(parser.parse_args().results)
    results.require(results.table_inputs())
    results.write_tables(results.paths.folder)
    print(f"Wrote {', '.join(map(str, results.paths.tables))}.", file=sys.stderr)


if __name__ == "__main__":
    run(main)
