"""Pack finished results and the workflow that made them into one file, without audio and features.

Unpacked, it is a working tree whose tables can be made again without training.
"""

import argparse
import gzip
import hashlib
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from workflow_scripts.atomic_files import atomic
from workflow_scripts.commands import rewrite_tables
from workflow_scripts.errors import UserError
from workflow_scripts.models import package
from workflow_scripts.process import run
from workflow_scripts.results import provenance
from workflow_scripts.results.data_licences import DATA
from workflow_scripts.workflow import checkout, configuration, records
from workflow_scripts.workflow.code_digests import PACKAGE, digest_of

CHECKOUT = PACKAGE.parent
CODE = (
    "CITATION.cff",
    "LICENSE",
    "Makefile",
    "README.md",
    "Snakefile",
    "config.schema.yaml",
    "envs",
    "presets",
    "profiles",
    "rules",
    "workflow_scripts",
)
TABLES = (
    "tracks.csv",
    "lengths.csv",
    "scaler.json",
    *(f"table1{s}" for s in rewrite_tables.FORMATS),
)
MODEL = ("weights.npz", "history.csv", "fit.json")
# Large or audio, and made again within minutes.
LEFT_OUT = ("features", "onsets", "sounds", package.NAME)
AUDIO = {
    "ballroom": "Snakemake downloads it (1.4 GB)",
    "demo": "Snakemake synthesises it",
    "folder": "put it where `audio_dir` in `config.yaml` says, or change that",
}
PAGE = """\
# {name}: Table I and what made it

Results of the Snakemake workflow around *Experimenting with Musically Motivated Convolutional
Neural Networks* (Pons, Lidy & Serra, CBMI 2016), with the workflow itself. {trained}
{code}

| File | Holds |
| --- | --- |
| `results/{name}/table1.md`, `.csv`, `.tex` | the tables |
| `results/{name}/report.html` | results and what the networks learned, in a browser |
| `results/{name}/onnx/` | the models to use, and their cards; `make model` packs them |
| `results/{name}/` | predictions, models, folds, logs, times; `README.md` says more |
| `config.yaml` | the configuration as it was used, complete |
| `envs/` | every package with its version and hash |
| `Snakefile`, `rules/`, `workflow_scripts/` | the workflow |

Audio and spectrograms are not among them, but for a few seconds of some tracks that `report.html`
plays, where there is one.

## The tables again, from the predictions

On Linux x86-64 with Python 3.11 or 3.12 and `make`, in this folder:

```sh
make tables NAME={name}
```

It installs the locked packages into `.venv` and writes the tables; it needs no audio and trains
nothing.

## Going on

With the audio ({audio}) Snakemake finds what has been trained and makes only what is missing or
what you change. The spectrograms come first, in a run of their own:

```sh
make adopt NAME={name}
. .venv/bin/activate
snakemake --cores all --until extract_mel
snakemake --cores all
```

## Licences

The workflow is under the MIT licence (`LICENSE`); please cite the paper (`CITATION.cff`).
{data}
"""


def main() -> None:
    """Command line; `make archive` calls it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("results", type=Path, help="their folder, results/NAME")
    parser.add_argument("file", type=Path, help="to write, .tar.gz")
    options = parser.parse_args()
    results = options.results
    config = rewrite_tables.take(results)
    if options.file.resolve().is_relative_to(results.resolve()):
        raise UserError(f"{options.file} would lie in what it is to hold; name a file elsewhere")
    files = [results / name for name in (*TABLES, records.saved(results).name)]
    files += [
        folder / name for _, folder in rewrite_tables.models(results, config) for name in MODEL
    ]
    rewrite_tables.require(results, files + rewrite_tables.sources(results, config))
    check(results, config)
    n_bytes = pack(options.file, config["name"], results, members(results, config))
    print(f"{options.file}: {n_bytes / 1e6:.0f} MB; ARCHIVE.md in it says how to go on.")


def check(results: Path, config: Mapping[str, Any]) -> None:
    """Raise UserError unless configuration, models, predictions and tables belong together."""
    mend = "run snakemake to its end with the configuration to keep, with --forcerun tabulate"
    for variant, folder in rewrite_tables.models(results, config):
        fit = json.loads((folder / "fit.json").read_text())
        expected = settings(config, variant)
        for key in expected:
            if fit[key] != expected[key]:
                raise UserError(
                    f"{folder} was trained with another {key} than {results / configuration.KEPT} "
                    f"says; {mend}"
                )
        weights = (folder / "weights.npz").read_bytes()
        if hashlib.sha256(weights).hexdigest() != fit["digests"]["weights"]:
            raise UserError(
                f"{folder / 'weights.npz'} is not what was trained; remove it and run snakemake"
            )
    with tempfile.TemporaryDirectory() as again:
        rewrite_tables.write(results, config, Path(again))
        for path in (results / f"table1{suffix}" for suffix in rewrite_tables.FORMATS):
            if (Path(again) / path.name).read_bytes() != path.read_bytes():
                raise UserError(f"{path} is not what the predictions beside it give; {mend}")


def settings(config: Mapping[str, Any], variant: str) -> dict[str, Any]:
    """Of the configuration, what fit.json tells of a model."""
    described = config["variants"][variant]
    shared = ("seed", "validation", "sampling", "augmentation", "engine")
    return {key: config[key] for key in shared} | {
        "network": {key: described[key] for key in ("input_frames", "trunks", "hidden", "init")},
        "training": config["training"] | described.get("training", {}),
    }


def members(results: Path, config: Mapping[str, Any]) -> Iterator[tuple[str, Path | bytes]]:
    """Name and content of each file to pack; what to read first comes first."""
    yield "ARCHIVE.md", page(results, config).encode()
    yield "config.yaml", results / configuration.KEPT
    for name in CODE:
        path = CHECKOUT / name
        for file in [path] if path.is_file() else files_in(path):
            if "__pycache__" not in file.parts:
                yield str(file.relative_to(CHECKOUT)), file
    # Of an earlier configuration others may be left.
    models = {folder for _, folder in rewrite_tables.models(results, config)}
    predicted = set(rewrite_tables.predictions(results, config))
    exported = {results / "onnx" / folder.relative_to(results / "models") for folder in models}
    for file in files_in(results):
        part = file.relative_to(results).parts[0]
        if part == "models":
            wanted = file.parent in models and file.name in MODEL
        elif part == "predictions":
            wanted = file in predicted
        elif part == "onnx":
            card = file.suffix == ".md" and file.parent.name in config["variants"]
            wanted = card or file.with_suffix("") in exported
        else:
            wanted = part not in LEFT_OUT
        if wanted:
            yield f"results/{config['name']}/{file.relative_to(results)}", file


def files_in(folder: Path) -> list[Path]:
    """All in it but hidden ones, such as locks; sorted, links followed."""
    found = [
        Path(parent, name)
        for parent, _, names in os.walk(folder, followlinks=True)
        for name in names
        if not name.startswith(".")
    ]
    return sorted(found)


def page(results: Path, config: Mapping[str, Any]) -> str:
    """ARCHIVE.md."""
    folders = [folder for _, folder in rewrite_tables.models(results, config)]
    fits = [json.loads((folder / "fit.json").read_text()) for folder in folders]
    name = config["name"]
    return PAGE.format(
        name=name,
        trained=provenance.sentence(fits),
        code=code_sentence(config["engine"], fits),
        audio=AUDIO[config["dataset"]],
        data=DATA[config["dataset"]].format(name=name),
    )


def code_sentence(engine: str, fits: Iterable[Mapping[str, Any]]) -> str:
    """Of which commit the packed code is, and whether it is what trained the models."""
    state = checkout.state()
    commit = state["commit"] or "unknown"
    changed = " with uncommitted changes" if state["uncommitted_changes"] else ""
    now = digest_of("steps/train", f"networks/engine_{engine}")
    same = all(fit["digests"]["code"] == now for fit in fits)
    trains = "that of the trainings" if same else "not that of the trainings"
    return f"The code here is {trains}; its commit is {commit}{changed}."


def pack(file: Path, name: str, results: Path, contents: Iterable[tuple[str, Path | bytes]]) -> int:
    """Write `contents` into `file`, all in one folder; the same contents give the same bytes.

    Returns the size. All carry the table's time, so that unpacked none looks newer than what was
    made from it.
    """
    time = int((results / "table1.csv").stat().st_mtime)
    with atomic(file) as path, path.open("wb") as raw:
        # Without the file's own name and the present time.
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
