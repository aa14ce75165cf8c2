"""Write the tables of finished results again from their predictions.

Without Snakemake, which would first ask for the audio that the tracks are listed from.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from workflow_scripts.errors import UserError
from workflow_scripts.process import run
from workflow_scripts.steps import tabulate
from workflow_scripts.workflow import configuration
from workflow_scripts.workflow.run_lock import RunLock

FORMATS = (".csv", ".md", ".tex")


def main() -> None:
    """Command line; `make tables` calls it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="their folder, results/NAME")
    results = parser.parse_args().results
    config = take(results)
    require(results, sources(results, config))
    write(results, config, results)
    print(f"{results / 'table1'}{', '.join(FORMATS)} are written.", file=sys.stderr)


def take(results: Path) -> dict[str, Any]:
    """Hold these results against other runs until this process ends; their configuration.

    Raises UserError where there are none or a run holds them.
    """
    if not results.is_dir():
        raise UserError(f"{results} is no folder; name one that a run has left, results/NAME")
    RunLock(results).acquire()
    kept = results / configuration.KEPT
    if not kept.exists():
        raise UserError(
            f"{kept} is missing, so that nothing tells what was run; run snakemake, with "
            "--forcerun tabulate where it finds nothing to do"
        )
    return configuration.read(kept)


def require(results: Path, files: list[Path]) -> None:
    """Raise UserError if any of `files` is missing."""
    missing = [path for path in files if not path.is_file()]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise UserError(
            f"{results} is unfinished: {missing[0].relative_to(results)}{more} missing; run "
            "snakemake to its end"
        )


def models(results: Path, config: Mapping[str, Any]) -> Iterator[tuple[str, Path]]:
    """Variant and folder of each model, in the table's order."""
    for variant in config["variants"]:
        for fold in range(config["folds"]):
            yield variant, results / "models" / variant / f"fold-{fold}"


def predictions(results: Path, config: Mapping[str, Any]) -> list[Path]:
    """A file a model, in the same order."""
    folders = [folder.relative_to(results / "models") for _, folder in models(results, config)]
    return [results / "predictions" / f"{folder}.csv" for folder in folders]


def sources(results: Path, config: Mapping[str, Any]) -> list[Path]:
    """What the tables are made from."""
    named = [results / f"{name}.csv" for name in ("labels", "folds", "skipped", "baselines")]
    fits = [folder / "fit.json" for _, folder in models(results, config)]
    return [*named, *predictions(results, config), *fits]


def write(results: Path, config: Mapping[str, Any], folder: Path) -> None:
    """Write table1.csv, .md and .tex into `folder`, as the rule tabulate does."""
    named = {
        "labels": results / "labels.csv",
        "folds": results / "folds.csv",
        "skipped": results / "skipped.csv",
        "baselines": results / "baselines.csv",
        "variants": json.dumps(config["variants"]),
        "dataset": config["dataset"],
        "name": config["name"],
        "table": folder / "table1.csv",
    }
    arguments = [part for name, value in named.items() for part in (f"--{name}", str(value))]
    arguments += ["--predictions", *map(str, predictions(results, config))]
    arguments += ["--fits", *(str(folder / "fit.json") for _, folder in models(results, config))]
    tabulate.main(arguments)


if __name__ == "__main__":
    run(main)
