"""What an archive asks of a disk: its MD5 sum, room for what is to be written."""

import hashlib
import shutil
from pathlib import Path

from workflow_scripts.errors import UserError


def md5_of(path: Path) -> str:
    """MD5 sum of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def require_space(folder: Path, size: int, purpose: str) -> None:
    """Raise UserError if `size` more bytes do not fit on the disk of `folder`, which exists."""
    free = shutil.disk_usage(folder).free
    if size > free:
        raise UserError(
            f"{purpose} takes {size / 1e6:.1f} MB, but only {free / 1e6:.1f} MB are free on the "
            f"disk of {folder}; make room, then run again"
        )
