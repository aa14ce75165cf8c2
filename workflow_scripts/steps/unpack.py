"""Unpack archives, each into the folder it is named for; say whose they are."""

import argparse
import tarfile
import tempfile
import zlib
from pathlib import Path, PurePosixPath

from workflow_scripts.download.disk import md5_of, require_space
from workflow_scripts.errors import FIXABLE_OS_ERRORS, UserError
from workflow_scripts.process import run

LICENCE = """\
Ballroom is under CC BY-NC-SA 4.0, as mirdata lists it: not for commercial use. Please cite
F. Gouyon, A. Klapuri, S. Dixon, M. Alonso, G. Tzanetakis, C. Uhle, P. Cano: An experimental
comparison of audio tempo induction algorithms. IEEE TASLP 14(5), 2006."""


def unpack(archive: Path, md5: str, folder: Path) -> None:
    """Put the archive's top folder, which bears the name of `folder`, at `folder`.

    The archive may be the user's own, so its MD5 sum is checked again. Raises UserError, with
    nothing written, where a member would leave the folder or is no plain file or folder, and where
    the disk is too small.
    """
    if (found := md5_of(archive)) != md5:
        raise UserError(
            f"{archive} has the MD5 sum {found}, not {md5}: it is damaged or another; replace it"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unpack-", dir=folder.parent) as holding:
        try:
            size = _check_members(archive, Path(holding))
            require_space(folder.parent, size, f"unpacking {archive}")
            with tarfile.open(archive) as members:
                members.extractall(holding, filter="data")
        except (tarfile.TarError, EOFError, zlib.error, OSError) as failure:
            if getattr(failure, "errno", None) in FIXABLE_OS_ERRORS:
                raise
            raise UserError(f"cannot unpack {archive}: {failure}; replace it") from None
        inner = Path(holding) / folder.name
        if not inner.is_dir():
            raise UserError(
                f"{archive} holds no folder {folder.name}; check ballroom in the config"
            )
        inner.replace(folder)


def _check_members(archive: Path, holding: Path) -> int:
    """Bytes of all members; raises UserError for the first that may not be unpacked."""
    size = 0
    with tarfile.open(archive) as members:
        for member in members:
            if (reason := _objection(member, holding)) is not None:
                raise UserError(
                    f"{archive} holds {member.name!r}, which {reason}: nothing is unpacked; check "
                    "ballroom in the config"
                )
            size += member.size
    return size


def _objection(member: tarfile.TarInfo, holding: Path) -> str | None:
    """Why a member may not be unpacked into `holding`."""
    if member.issym() or member.islnk():
        return f"is a link to {member.linkname!r}"
    if not (member.isreg() or member.isdir()):
        return "is a device or another special file"
    # The data filter would make it relative.
    if PurePosixPath(member.name).is_absolute():
        return "is an absolute path"
    try:
        tarfile.data_filter(member, str(holding))
    except tarfile.FilterError:
        return "would leave its folder"
    return None


def main() -> None:
    """Command line; Snakemake's rule of the same name calls it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--archives", type=Path, nargs="+", required=True)
    parser.add_argument("--md5", nargs="+", required=True, help="one an archive")
    parser.add_argument("--folders", type=Path, nargs="+", required=True, help="one an archive")
    options = parser.parse_args()
    print(LICENCE)
    for job in zip(options.archives, options.md5, options.folders, strict=True):
        unpack(*job)


if __name__ == "__main__":
    run(main)
