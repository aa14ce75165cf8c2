"""Unpack a checked archive, or refuse it as a whole."""

import lzma
import tarfile
import tempfile
import zlib
from pathlib import Path, PurePosixPath

from workflow_scripts.download.disk import md5_of, require_space
from workflow_scripts.errors import FIXABLE_OS_ERRORS, UserError

# What tarfile raises for damaged archives.
DAMAGE = (
    tarfile.TarError,
    EOFError,
    OSError,
    OverflowError,
    RecursionError,
    ValueError,
    lzma.LZMAError,
    zlib.error,
)


def unpack(archive: Path, md5: str, folder: Path) -> None:
    """Unpack the archive's top folder, which has the name of `folder`, to `folder`.

    The archive may be the user's own, so its MD5 sum is checked again. Raises UserError, with
    nothing written, if a member would leave the folder or is not a plain file or folder, or if the
    disk is too small.
    """
    if (found := md5_of(archive)) != md5:
        raise UserError(
            f"{archive} has the MD5 sum {found}, not {md5}: it is damaged or a different archive; "
            "replace it"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unpack-", dir=folder.parent) as holding:
        try:
            size = _check_members(archive, Path(holding))
            require_space(folder.parent, size, f"unpacking {archive}")
            with tarfile.open(archive) as members:
                members.extractall(holding, filter="data")
        except DAMAGE as failure:
            if getattr(failure, "errno", None) in FIXABLE_OS_ERRORS:
                raise
            raise UserError(f"cannot unpack {archive}: {failure}; replace it") from None
        inner = Path(holding) / folder.name
        if not inner.is_dir():
            raise UserError(
                f"{archive} has no folder {folder.name}; check ballroom in the configuration"
            )
        inner.replace(folder)


def _check_members(archive: Path, holding: Path) -> int:
    """The bytes of all members. Raises UserError for the first that may not be unpacked."""
    size = 0
    with tarfile.open(archive) as members:
        for member in members:
            if (reason := _objection(member, holding)) is not None:
                raise UserError(
                    f"{archive} holds {member.name!r}, which {reason}: nothing is unpacked; check "
                    "ballroom in the configuration"
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
        return "would leave the folder"
    return None
