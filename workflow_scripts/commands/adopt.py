"""Take over results of another checkout, so that only what no longer holds is computed again.

Snakemake itself then compares configuration, code and data with those that made each file.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from workflow_scripts.errors import UserError
from workflow_scripts.process import run
from workflow_scripts.workflow import records
from workflow_scripts.workflow.run_lock import RunLock


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="their folder, results/NAME")
    return parser.parse_args()


def main() -> None:
    """Command line; `make adopt` calls it."""
    results = parse().results
    if not results.is_dir():
        raise UserError(f"{results} is no folder; put the results there, or name another")
    if not records.saved(results).exists():
        raise UserError(
            f"{results} has no {records.saved(results).name}, so that nothing tells what made its "
            "files; run snakemake: what is trained already takes seconds a training"
        )
    RunLock(results).acquire()
    if not records.are_foreign(results):
        print(f"{results} was made here: Snakemake knows what made its files.", file=sys.stderr)
        return
    for path in damaged_models(results):
        print(
            f"{path} is not what was trained; removed, to be trained again where it is needed",
            file=sys.stderr,
        )
        path.unlink()
    taken, not_taken = records.restore(results)
    print(
        f"{results}: {taken} files taken over, {not_taken} to be made again; `snakemake -n` tells "
        "what else has changed since.",
        file=sys.stderr,
    )


def damaged_models(results: Path) -> Iterator[Path]:
    """The weights that are not those of the training beside them."""
    for fit in sorted(results.glob("models/*/*/fit.json")):
        weights = fit.with_name("weights.npz")
        digest = json.loads(fit.read_text())["digests"]["weights"]
        if weights.exists() and hashlib.sha256(weights.read_bytes()).hexdigest() != digest:
            yield weights


if __name__ == "__main__":
    run(main)
