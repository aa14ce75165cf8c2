"""Snakemake's records of what made each file, carried along with the results.

Snakemake keeps them in .snakemake of the folder it runs in: beside copied results or in a fresh
checkout there are none, and all is computed again. `save` leaves a copy beside the results, from
which `restore` gives them back; what still holds is then for Snakemake to say, as ever.
"""

import base64
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

from workflow_scripts.atomic_files import atomic
from workflow_scripts.errors import UserError
from workflow_scripts.models import package
from workflow_scripts.workflow import configuration

# Where Snakemake 9 keeps a file for each output, named by the output's path in base 64; a long name
# goes on inside a folder that begins with "@".
METADATA = Path(".snakemake/metadata")


def saved(results: Path) -> Path:
    """The copy beside the results."""
    return results / "records.tar.gz"


def are_foreign(results: Path) -> bool:
    """Whether these results have records, but none that Snakemake knows here."""
    return saved(results).exists() and next(_known(results), None) is None


def check(results: Path) -> None:
    """Raise UserError for results of which Snakemake knows nothing here.

    By their files' times alone it would compute all again, or nothing, whatever has changed.
    """
    if are_foreign(results):
        raise UserError(
            f"{results} was made by another checkout, and nothing here tells what of it still "
            f"holds; `make adopt NAME={results.name}` does, or remove it"
        )


def save(results: Path) -> None:
    """Copy the records, if there are any, of all that lies in `results` and in data/."""
    known = [*_known(results)]
    if not known:
        return
    with atomic(saved(results)) as path, tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for record in [*known, *_known(Path("data"))]:
            archive.add(record, record.relative_to(METADATA))


def restore(results: Path) -> tuple[int, int]:
    """Give Snakemake back the records of the files that are here.

    Files of these results that have none are made older than any other, so that they are made
    again. Returns how many are taken over and how many not.
    """
    METADATA.mkdir(parents=True, exist_ok=True)
    with tarfile.open(saved(results)) as archive:
        recorded = {Path(_name(Path(entry.name))): entry for entry in archive}
        here = {path for path in recorded if path.exists()}
        archive.extractall(METADATA, [recorded[path] for path in here], filter="data")
    # A rule may make a folder as a whole.
    unknown = {path for path in _outputs(results) if here.isdisjoint({path, *path.parents})}
    for path in unknown:
        os.utime(path, (0, 0))
    if results / "tracks.csv" in unknown:
        # Made of no file, of which none can be newer.
        (results / "tracks.csv").unlink()
    return len(here), len(unknown)


def _outputs(results: Path) -> Iterator[Path]:
    """Files that rules have made: all but what they say of themselves, and what a run keeps."""
    names = ("checkpoint", saved(results).name, configuration.KEPT, package.NAME)
    for path in results.rglob("*"):
        kept = path.name in names or path.name.startswith(".")
        said = path.relative_to(results).parts[0] in ("logs", "benchmarks")
        if path.is_file() and not kept and not said:
            yield path


def _known(folder: Path) -> Iterator[Path]:
    """The records in METADATA of what lies in `folder`."""
    for parent, _, names in os.walk(METADATA):
        for name in names:
            record = Path(parent, name)
            if Path(_name(record.relative_to(METADATA))).is_relative_to(folder):
                yield record


def _name(record: Path) -> str:
    """The output that a record is of; "" for a file that is no record."""
    encoded = "".join(part.removeprefix("@") for part in record.parts)
    try:
        return base64.urlsafe_b64decode(encoded).decode()
    except ValueError:
        return ""
