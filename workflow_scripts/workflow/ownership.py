"""The checkout that made a folder of results.

Snakemake records the code and parameters behind each file in .snakemake, in the folder where it
runs. It has no records of results that were copied from elsewhere and would compare their
modification times only, so outdated files could count as up to date. Each checkout therefore marks
the results that it makes.
"""

import uuid
from pathlib import Path

from filelock import FileLock

from workflow_scripts.atomic_files import atomic
from workflow_scripts.errors import UserError
from workflow_scripts.paths import ResultPaths, SharedFeatures
from workflow_scripts.workflow.code_digests import PACKAGE
from workflow_scripts.workflow.typed_command import python_command

# In the folder of Snakemake's records, so that both are lost together.
CHECKOUT = Path(".snakemake/checkout")
# At least one of these exists once a rule has made any result.
MADE_FIRST = ("tracks.csv", "models", "to_label")


def check(results: ResultPaths) -> None:
    """Raise UserError if `results` were made by another checkout."""
    if is_foreign(results):
        folder = results.folder
        raise UserError(
            f"{folder} was made by another checkout, and Snakemake has no records of it here; "
            f"run `{_command(folder)}` to keep its trained models and compute the rest again, or "
            "give this run another name (--config name=...)"
        )


def check_features(shared: SharedFeatures) -> None:
    """Raise UserError if features to share were made by another checkout."""
    if are_foreign(shared):
        command = f"make clean-features FEATURES={shared.folder}"
        if Path.cwd() != PACKAGE.parent:
            command = python_command("commands.clean_features", "--features", str(shared.folder))
        raise UserError(
            f"{shared.folder} was made by another checkout, and Snakemake has no records of it "
            f"here; run `{command}` to remove it, and the features are extracted again"
        )


def is_foreign(results: ResultPaths) -> bool:
    """Whether there are results without the mark of this checkout."""
    made = any((results.folder / name).exists() for name in MADE_FIRST)
    return made and _is_of_another_checkout(results)


def are_foreign(shared: SharedFeatures) -> bool:
    """Whether there are features to share without the mark of this checkout."""
    return shared.folder.exists() and _is_of_another_checkout(shared)


def mark(results: ResultPaths | SharedFeatures) -> None:
    """Mark `results` as made by this checkout."""
    if not _read(CHECKOUT):
        CHECKOUT.parent.mkdir(exist_ok=True)
        # Of two first runs at a time, one gives the name.
        with FileLock(CHECKOUT.with_suffix(".lock")):
            if not _read(CHECKOUT):
                with atomic(CHECKOUT) as path:
                    path.write_text(uuid.uuid4().hex)
    with atomic(results.checkout) as path:
        path.write_text(_read(CHECKOUT))


def adopt(results: ResultPaths) -> None:
    """Move all `results` to `results.adopted` and mark the empty folder.

    Snakemake then computes everything again, and a training reuses its model or its checkpoint
    from the moved results. Files of an earlier adoption are replaced only by files of their name,
    so an interrupted adoption can be repeated.
    """
    # tracks.csv is the last one, so that results of which a part has moved are still foreign.
    for path in sorted(
        results.folder.iterdir(), key=lambda path: (path.name == "tracks.csv", path)
    ):
        if not path.name.startswith("."):
            _merge(path, results.adopted / path.name)
    mark(results)


def _is_of_another_checkout(results: ResultPaths | SharedFeatures) -> bool:
    return _read(results.checkout) != (_read(CHECKOUT) or None)


def _merge(source: Path, target: Path) -> None:
    """Move a file, or the files of a folder one by one, to `target`."""
    if source.is_dir() and target.is_dir():
        for path in source.iterdir():
            _merge(path, target / path.name)
        source.rmdir()
    else:
        target.parent.mkdir(exist_ok=True)
        source.rename(target)


def _command(folder: Path) -> str:
    """The command that adopts `folder` here: make knows only the results beside its Makefile."""
    if Path.cwd() == PACKAGE.parent:
        return f"make adopt NAME={folder.name}"
    return python_command("commands.adopt", str(folder))


def _read(path: Path) -> str:
    return path.read_text() if path.is_file() else ""
