"""Unpack archives, each into the folder it is named for."""

import argparse
import tarfile
from pathlib import Path

from workflow_scripts.step import UserError, atomic, run


def unpack(archive: Path, folder: Path) -> None:
    """Put the archive's top folder, which bears the name of `folder`, at `folder`.

    Members that would leave the folder, links to outside and devices are refused.
    """
    with atomic(folder) as path:
        try:
            with tarfile.open(archive) as members:
                members.extractall(path, filter="data")
        except (tarfile.TarError, EOFError, OSError) as failure:
            raise UserError(
                f"cannot unpack {archive}: {failure}; remove it and run again"
            ) from None
        inner = path / folder.name
        if not inner.is_dir():
            raise UserError(
                f"{archive} holds no folder {folder.name}; check ballroom in the config"
            )
        for entry in inner.iterdir():
            entry.rename(path / entry.name)
        inner.rmdir()


def main() -> None:
    """Command line; Snakemake's rule of the same name calls it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--archives", type=Path, nargs="+", required=True)
    parser.add_argument("--folders", type=Path, nargs="+", required=True, help="one an archive")
    options = parser.parse_args()
    for archive, folder in zip(options.archives, options.folders, strict=True):
        unpack(archive, folder)


if __name__ == "__main__":
    run(main)
