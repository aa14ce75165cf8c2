"""Which checkout made a folder of results.

Snakemake records what made each file in .snakemake, in the folder that it runs in. Results that
were copied from elsewhere have no records there: Snakemake would go by the files' times alone and
might take anything for up to date. So each checkout marks the results it makes.
"""

import uuid
from pathlib import Path

from workflow_scripts.errors import UserError
from workflow_scripts.paths import ResultPaths

# Beside Snakemake's records, so that it is lost when they are lost.
CHECKOUT = Path(".snakemake/checkout")
# One of them is there as soon as a rule has made anything.
MADE_FIRST = ("tracks.csv", "models", "to_label")


def check(results: ResultPaths) -> None:
    """Raise UserError if `results` were made by another checkout."""
    if is_foreign(results):
        folder = results.folder
        raise UserError(
            f"{folder} was made by another checkout, and Snakemake has no records of it here; "
            f"`make adopt NAME={folder.name}` keeps its trained models and computes the rest "
            "again, or give this run another name (--config name=...)"
        )


def is_foreign(results: ResultPaths) -> bool:
    """Whether there are results, and no mark of this checkout on them."""
    made = any((results.folder / name).exists() for name in MADE_FIRST)
    return made and _read(results.checkout) != (_read(CHECKOUT) or None)


def mark(results: ResultPaths) -> None:
    """Mark `results`, whose folder exists, as made by this checkout."""
    if not _read(CHECKOUT):
        CHECKOUT.parent.mkdir(exist_ok=True)
        CHECKOUT.write_text(uuid.uuid4().hex)
    results.checkout.write_text(_read(CHECKOUT))


def adopt(results: ResultPaths) -> None:
    """Put all of `results` aside, and mark the empty folder.

    So Snakemake computes everything again; a training looks for its model in what was put aside.
    Raises UserError if results of an earlier adoption are in the way.
    """
    if results.adopted.exists():
        raise UserError(
            f"{results.adopted} has the results of an earlier adoption; remove it, then run again"
        )
    results.adopted.mkdir()
    for path in list(results.folder.iterdir()):
        if not path.name.startswith("."):
            path.rename(results.adopted / path.name)
    mark(results)


def _read(path: Path) -> str:
    return path.read_text() if path.is_file() else ""
