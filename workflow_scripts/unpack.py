"""Unpack archives, each into the folder it is named for."""

import argparse
import tarfile
import tempfile
import zlib
from pathlib import Path

from workflow_scripts.download import md5_of
from workflow_scripts.step import MENDABLE_OS_ERRORS, UserError, run


def unpack(archive: Path, md5: str, folder: Path) -> None:
    """Put the archive's top folder, which bears the name of `folder`, at `folder`.

    The archive may have been put there by hand, so its MD5 sum is checked again. Members that
    would leave the folder, links to outside and devices are refused.
    """
    if (found := md5_of(archive)) != md5:
        raise UserError(f"{archive} has the MD5 sum {found}, not {md5}: replace or remove it")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unpack-", dir=folder.parent) as holding:
        try:
            with tarfile.open(archive) as members:
                members.extractall(holding, filter="data")
        except (tarfile.TarError, EOFError, zlib.error, OSError) as failure:
            if getattr(failure, "errno", None) in MENDABLE_OS_ERRORS:
                raise
            raise UserError(
                f"cannot unpack {archive}: {failure}; remove it and run again"
            ) from None
        inner = Path(holding) / folder.name
        if not inner.is_dir():
            raise UserError(
                f"{archive} holds no folder {folder.name}; check ballroom in the config"
            )
        inner.replace(folder)


def main() -> None:
    """Command line; Snakemake's rule of the same name calls it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--archives", type=Path, nargs="+", required=True)
    parser.add_argument("--md5", nargs="+", required=True, help="one an archive")
    parser.add_argument("--folders", type=Path, nargs="+", required=True, help="one an archive")
    options = parser.parse_args()
    for job in zip(options.archives, options.md5, options.folders, strict=True):
        unpack(*job)


if __name__ == "__main__":
    run(main)
