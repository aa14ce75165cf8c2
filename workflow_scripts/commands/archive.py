"""Pack finished results and the workflow that made them into one file, without audio and features.

In the unpacked folder, the tables can be made again without training.
"""

import argparse
import gzip
import io
import os
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from workflow_scripts import checked_tables
from workflow_scripts.atomic_files import atomic
from workflow_scripts.commands import exported_models
from workflow_scripts.commands.finished_results import FinishedResults
from workflow_scripts.dataset.normalisation import read_scalers
from workflow_scripts.dataset.scan import scan
from workflow_scripts.dataset.track_tables import TRACKS
from workflow_scripts.errors import UserError
from workflow_scripts.interpretation import filter_table, intervention_table
from workflow_scripts.models import model_card
from workflow_scripts.networks import weights
from workflow_scripts.process import run
from workflow_scripts.results import provenance
from workflow_scripts.results.data_licences import DATA
from workflow_scripts.workflow import checkout
from workflow_scripts.workflow.code_digests import PACKAGE, digest_of

CHECKOUT = PACKAGE.parent
CODE = (
    "CHANGELOG.md",
    "CITATION.cff",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "Snakefile",
    "config.schema.yaml",
    "docs",
    "envs",
    "label.smk",
    "presets",
    "profiles",
    "rules",
    "workflow_scripts",
)
# What a run or `make model` makes again within minutes: large files, sounds, single rows of the
# table; seeds that are no longer configured.
LEFT_OUT = ("features", "onsets", "sounds", "model.zip", "rows", "seeds")
AUDIO = {
    "ballroom": "Snakemake downloads it (1.4 GB)",
    "demo": "Snakemake synthesises it",
    "folder": "put it in the folder `audio_dir` in `config.yaml`, or change `audio_dir`",
}
PAGE = """\
# {name}: results and workflow

Results of the Snakemake workflow around *Experimenting with Musically Motivated Convolutional
Neural Networks* (Pons, Lidy & Serra, CBMI 2016), with the workflow itself. {trained}
{code}

| File | Holds |
| --- | --- |
| `results/{name}/table1.md`, `.csv`, `.tex` | Table I |
| `results/{name}/predictions.csv`, `per_class.csv`, `confusions.csv` | all predictions, tidy |
| `results/{name}/report.html` | results and what the networks learned, for a browser |
| `results/{name}/onnx/` | the models and their cards; `make model` packs them |
| `results/{name}/` | predictions, models, folds, logs, times; see `docs/results.md` |
| `config.yaml` | the complete configuration of the run |
| `envs/` | every package with its version and hash |
| `Snakefile`, `rules/`, `workflow_scripts/` | the workflow |

Audio and features are not included, except for a few seconds of some tracks in `report.html`, if
it exists.

## Make the tables again

On Linux x86-64 with Python 3.11 or 3.12 and `make`, in this folder:

```sh
make tables NAME={name}
```

This installs the locked packages into `.venv` and writes the tables from the predictions. It needs
no audio and trains nothing.

## Continue

This needs the audio ({audio}). The trained models are kept; the rest is computed again:

```sh
make adopt NAME={name}
. .venv/bin/activate
snakemake --cores all
```

## Licences

The workflow is under the MIT licence (`LICENSE`); please cite the paper (`CITATION.cff`).
{data}
"""


def main() -> None:
    """Read results/NAME and the checkout; write the archive."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="results/NAME")
    parser.add_argument("file", type=Path, help=".tar.gz to write")
    options = parser.parse_args()
    results = FinishedResults.open(options.results)
    if options.file.resolve().is_relative_to(options.results.resolve()):
        raise UserError(
            f"{options.file} is inside the folder that it would contain; give a file elsewhere"
        )
    models = [m.weights for m in results.all_models]
    models += [own.scaler for own in results.seeds.values()]
    paths = results.paths
    results.require([paths.tracks, *results.tables, *models, *results.table_inputs()])
    check(results)
    n_bytes = pack(options.file, results.config["name"], paths.tables[0], members(results))
    print(f"{options.file}: {n_bytes / 1e6:.0f} MB; see ARCHIVE.md in it.")


def check(results: FinishedResults) -> None:
    """Raise UserError if configuration, models, predictions and tables do not match."""
    results.check_settings(results.all_models)
    for model in results.all_models:
        weights.read(model.weights, results.key_of(model))
        checked_tables.check(model.history, results.key_of(model).history)
        provenance.check_weights(model.weights, results.fit_of(model))
    results.check_tables()
    exported_models.check(results, [model for model in results.models if model.onnx.is_file()])
    check_others(results)


def check_others(results: FinishedResults) -> None:
    """Raise UserError if one of the tables that no other check reads is damaged."""
    folder, tracks = results.paths.folder, results.tracks
    checked_tables.check(results.paths.tracks, TRACKS)
    for own in results.seeds.values():
        read_scalers(own.scaler, results.tracks_of(own).key)
    for variant in results.config["variants"]:
        # They are missing if the run was only up to Table I.
        if (counts := folder / "interventions" / f"{variant}.csv").is_file():
            intervention_table.read(counts, variant, tracks)
        if (filters := folder / "filters" / f"{variant}.csv").is_file():
            filter_table.read(filters, variant, tracks)
        if (card := results.paths.card(variant)).is_file():
            model_card.read(card, variant, tracks)


def members(results: FinishedResults) -> Iterator[tuple[str, Path | bytes]]:
    """The name and content of each file to pack, ARCHIVE.md first."""
    yield "ARCHIVE.md", page(results).encode()
    yield "config.yaml", results.paths.config
    for name in CODE:
        path = CHECKOUT / name
        for file in [path] if path.is_file() else files_in(path):
            if "__pycache__" not in file.parts:
                yield str(file.relative_to(CHECKOUT)), file
    folder = results.paths.folder
    # These folders may also have files of an earlier configuration.
    by_model = {"models", "predictions", "onnx"}
    wanted = {
        *(path for m in results.all_models for path in (m.weights, m.history, m.fit)),
        *(m.predictions for m in results.all_models),
        *(m.onnx for m in results.models),
        *map(results.paths.card, results.config["variants"]),
    }
    for file in files_in(folder):
        part = part_of(file, results)
        if file in wanted or part not in by_model.union(LEFT_OUT):
            yield f"results/{results.config['name']}/{file.relative_to(folder)}", file


def part_of(file: Path, results: FinishedResults) -> str:
    """The name of a file or folder in the results of a seed that is, or contains, `file`.

    It is "seeds" for files of a seed that is no longer configured.
    """
    folders = [own.folder for own in results.seeds.values()]
    # The folder of the first seed contains those of the others.
    folder = next(folder for folder in reversed(folders) if file.is_relative_to(folder))
    return file.relative_to(folder).parts[0]


def files_in(folder: Path) -> list[Path]:
    """All regular files in a folder, sorted. Hidden ones are skipped, such as locks.

    Links are followed unless they lead back to a parent folder.
    """
    return sorted(Path(file.path) for file in scan(str(folder)) if file.size >= 0)


def page(results: FinishedResults) -> str:
    """The content of ARCHIVE.md."""
    fits = [results.fit_of(model) for model in results.all_models]
    name, dataset = results.config["name"], results.config["dataset"]
    return PAGE.format(
        name=name,
        trained=provenance.sentence(fits),
        code=code_sentence(results.config["engine"], [fit["digests"]["code"] for fit in fits]),
        audio=AUDIO[dataset],
        data=DATA[dataset].format(name=name),
    )


def code_sentence(engine: str, trained_by: Iterable[str]) -> str:
    """The commit of the packed code, and whether this code trained the models.

    `trained_by` has the code digest of each training.
    """
    state = checkout.state()
    commit = state["commit"] or "unknown"
    changed = " with uncommitted changes" if state["uncommitted_changes"] else ""
    now = digest_of("steps/train", f"networks/engine_{engine}")
    same = all(digest == now for digest in trained_by)
    verb = "trained" if same else "did not train"
    return f"The packed code {verb} these models; its commit is {commit}{changed}."


def pack(file: Path, name: str, table: Path, contents: Iterable[tuple[str, Path | bytes]]) -> int:
    """Write `contents` to `file`, in a folder `name`; return the size in bytes.

    The same contents give the same bytes. All files get the time of `table`, so that no unpacked
    file is newer than a file made from it.
    """
    time = int(table.stat().st_mtime)
    with atomic(file) as path, path.open("wb") as raw:
        # The header has neither the file name nor the current time.
        with (
            gzip.GzipFile("", "wb", fileobj=raw, mtime=time) as packed,
            tarfile.open(fileobj=packed, mode="w") as archive,
        ):
            for member, content in contents:
                info = tarfile.TarInfo(f"{name}/{member}")
                info.mtime = time
                if isinstance(content, bytes):
                    info.size = len(content)
                    archive.addfile(info, io.BytesIO(content))
                    continue
                with content.open("rb") as data:
                    status = os.fstat(data.fileno())
                    info.size = status.st_size
                    info.mode = 0o755 if status.st_mode & 0o100 else 0o644
                    archive.addfile(info, data)
        return raw.tell()


if __name__ == "__main__":
    run(main)
