"""Adopt results of another checkout: keep its trained models and compute the rest again."""

import argparse
import sys
from pathlib import Path

from workflow_scripts.errors import UserError
from workflow_scripts.paths import ResultPaths
from workflow_scripts.process import run
from workflow_scripts.workflow import ownership
from workflow_scripts.workflow.run_lock import RunLock


def main() -> None:
    """Move the files in results/NAME to results/NAME/.adopted; mark NAME as this checkout's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="results/NAME")
    results = ResultPaths(parser.parse_args().results)
    if not results.folder.is_dir():
        raise UserError(f"{results.folder} is not a folder; put the results there or give another")
    lock = RunLock(results.folder)
    lock.acquire()
    if not ownership.is_foreign(results):
        print(f"{results.folder} was made here; there is nothing to adopt.", file=sys.stderr)
        return
    ownership.adopt(results)
    print(
        f"{results.folder} is adopted: the next run keeps every model whose settings, code and "
        "data are unchanged, and computes the rest again.",
        file=sys.stderr,
    )


if __name__ == "__main__":
    run(main)
