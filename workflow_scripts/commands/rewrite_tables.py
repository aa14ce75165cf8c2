"""Write the tables of finished results again, from their predictions.

Unlike the rule tabulate, this does not need the audio.
"""

import argparse
import sys
from pathlib import Path

from workflow_scripts.commands.finished_results import FinishedResults
from workflow_scripts.process import run


def main() -> None:
    """Read the predictions in results/NAME; write Table I and the tidy tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="results/NAME")
    results = FinishedResults.open(parser.parse_args().results)
    results.check_settings(results.all_models)
    results.require(results.table_inputs())
    results.write_tables(results.paths.folder)
    print(f"Wrote {', '.join(map(str, results.tables))}.", file=sys.stderr)


if __name__ == "__main__":
    run(main)
