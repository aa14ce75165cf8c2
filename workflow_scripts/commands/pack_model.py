"""Pack the ONNX files of finished results into model.zip, a file to label music with."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from workflow_scripts import checked_tables
from workflow_scripts.commands import exported_models
from workflow_scripts.commands.finished_results import FinishedResults
from workflow_scripts.dataset.track_tables import TRACKS, read_table
from workflow_scripts.errors import UserError, printable, reading
from workflow_scripts.models import model_card, package
from workflow_scripts.models.metadata import NotOurModelError
from workflow_scripts.process import run
from workflow_scripts.results import checked_predictions, predictions, training_notes
from workflow_scripts.results.notes import never_predicted_sentences
from workflow_scripts.results.trainings import Trainings
from workflow_scripts.workflow.training_settings import n_folds_of
from workflow_scripts.workflow.typed_command import python_command

FIX = "run snakemake to its end"


def best(table: pd.DataFrame) -> str:
    """The most accurate variant; ties go to segment accuracy, then to fewer parameters."""
    order = ["accuracy_mean", "segment_accuracy_mean", "parameters"]
    return str(table.sort_values(order, ascending=[False, False, True], kind="stable").iloc[0, 0])


def best_of(csv: Path) -> str:
    """The most accurate variant of a table1.csv."""
    with reading(csv):
        return best(pd.read_csv(csv, dtype={"variant": str}, keep_default_na=False))


def chosen(results: FinishedResults, named: Sequence[str]) -> list[str]:
    """The variants to pack: `named`, by default the best. Raises UserError for an unknown one."""
    known = results.config["variants"]
    for variant in named:
        if variant not in known:
            raise UserError(
                f"{results.paths.folder} has no variant {variant}; it has {', '.join(known)}"
            )
    if named:
        return list(dict.fromkeys(named))
    results.check_settings(results.all_models)
    results.check_tables()
    return [best_of(results.paths.tables[0])]


def never_predicted(results: FinishedResults, variants: Sequence[str]) -> list[str]:
    """A sentence for the classes that a variant predicts for none of the test tracks."""
    tracks, missing = results.tracks, {}
    for variant in variants:
        models = results.paths.models([variant], n_folds_of(results.config))
        results.require(model.predictions for model in models)
        folds = [
            checked_predictions.read(model.predictions, tracks, results.origin_of(model))
            for model in models
        ]
        missing[variant] = predictions.never_predicted(pd.concat(folds), tracks.classes)
    return never_predicted_sentences(missing)


def not_converged(results: FinishedResults, variants: Sequence[str]) -> list[str]:
    """A sentence on the variants whose trainings were too short, or stopped while they improved."""
    models = results.paths.models(variants, n_folds_of(results.config))
    results.require(path for model in models for path in (model.fit, model.history))
    histories = [
        checked_tables.read(model.history, results.key_of(model).history) for model in models
    ]
    trainings = Trainings.of([results.fit_of(model) for model in models], histories)
    notes = (training_notes.few_epochs(trainings), training_notes.still_rising(trainings))
    return [note for note in notes if note]


def label_command(file: Path, audio: str) -> str:
    """The command that labels `audio` with the models in `file`, as one types it."""
    # A name that begins with a dash would be an option.
    words = [f"./{name}" if name.startswith("-") else name for name in (str(file), audio)]
    return python_command("commands.label", "--model", *words)


def an_example(results: FinishedResults) -> str:
    """The path of a track of the results, to label it; AUDIO if none is there under a plain name.

    Where to run: the folder in which the results were made.
    """
    tracks = results.paths.tracks
    if tracks.is_file():
        for path in read_table(tracks, TRACKS)["path"]:
            if path.isprintable() and Path(path).is_file():
                return str(path)
    return "AUDIO"


def main() -> None:
    """Read the ONNX files and cards of results/NAME; write model.zip."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="results/NAME")
    parser.add_argument("--variants", nargs="*", default=[], help="default: the best of Table I")
    parser.add_argument("--file", type=Path, help="default: results/NAME/model.zip")
    options = parser.parse_args()
    results = FinishedResults.open(options.results)
    file = options.file or results.paths.packed_model
    variants = chosen(results, options.variants)
    models = results.paths.models(variants, n_folds_of(results.config))
    cards = {variant: results.paths.card(variant) for variant in variants}
    results.check_settings(models)
    results.require([*(m.onnx for m in models), *cards.values()])
    exported_models.check(results, models)
    try:
        packed = package.together([model.onnx.read_bytes() for model in models])
    except NotOurModelError as reason:
        raise UserError(f"a file in {options.results / 'onnx'} {reason}; {FIX}") from None
    texts = {name: model_card.read(card, name, results.tracks) for name, card in cards.items()}
    package.write(file, packed, texts)
    for note in [*not_converged(results, variants), *never_predicted(results, variants)]:
        print(f"note: {printable(note)}", file=sys.stderr)
    n = len(packed.models)
    best_of = "" if options.variants else ", the best of its Table I"
    print(
        f"{file}: {n} model{'s' if n > 1 else ''} of {' and '.join(variants)}{best_of}, "
        f"{file.stat().st_size / 1e6:.1f} MB. To label music with it:\n"
        f"  {label_command(file, an_example(results))}"
    )


if __name__ == "__main__":
    run(main)
