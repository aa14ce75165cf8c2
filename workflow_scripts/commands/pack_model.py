"""Pack the ONNX files of finished results into one file that labels music: model.zip."""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from workflow_scripts.commands import rewrite_tables
from workflow_scripts.errors import UserError
from workflow_scripts.models import package
from workflow_scripts.models.inspection import NotOurModelError
from workflow_scripts.process import run

MEND = "run snakemake to its end"


def best(table: pd.DataFrame) -> str:
    """The variant that decides most tracks right; of equals most segments; then the smallest."""
    order = ["accuracy_mean", "segment_accuracy_mean", "parameters"]
    return str(table.sort_values(order, ascending=[False, False, True], kind="stable").iloc[0, 0])


def checked(results: Path, config: Mapping[str, Any], named: Sequence[str]) -> Sequence[str]:
    """The variants to pack. Raises UserError for one that these results have not."""
    for variant in named:
        if variant not in config["variants"]:
            raise UserError(
                f"{results} has no variant {variant}; it has {', '.join(config['variants'])}"
            )
    if named:
        return list(dict.fromkeys(named))
    rewrite_tables.require(results, [results / "table1.csv"])
    return [best(pd.read_csv(results / "table1.csv"))]


def main() -> None:
    """Command line; `make model` calls it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="their folder, results/NAME")
    parser.add_argument("--variants", nargs="*", default=[], help="to pack; the best of Table I")
    parser.add_argument("--file", type=Path, help="to write; model.zip among the results")
    options = parser.parse_args()
    results, file = options.results, options.file or options.results / package.NAME
    config = rewrite_tables.take(results)
    variants = checked(results, config, options.variants)
    folders = [results / "onnx" / variant for variant in variants]
    cards = [folder / "MODEL_CARD.md" for folder in folders]
    onnx = [folder / f"fold-{k}.onnx" for folder in folders for k in range(config["folds"])]
    fits = [results / "models" / path.parent.name / path.stem / "fit.json" for path in onnx]
    rewrite_tables.require(results, [*onnx, *cards, *fits])
    try:
        packed = package.together([path.read_bytes() for path in onnx])
    except NotOurModelError as reason:
        raise UserError(f"what lies in {results / 'onnx'} {reason}; {MEND}") from None
    for model, path, fit in zip(packed.models, onnx, fits, strict=True):
        if model.about.weights != json.loads(fit.read_text())["digests"]["weights"]:
            raise UserError(f"{path} is not of the model in {fit.parent}; {MEND}")
    package.write(file, packed, {c.parent.name: c.read_text(encoding="utf-8") for c in cards})
    chosen = "" if options.variants else ", the best of its Table I"
    print(
        f"{file}: {len(packed.models)} models of {' and '.join(variants)}{chosen}, "
        f"{file.stat().st_size / 1e6:.1f} MB. To label music with it:\n"
        f"  python -m workflow_scripts.commands.label --model {file} AUDIO"
    )


if __name__ == "__main__":
    run(main)
