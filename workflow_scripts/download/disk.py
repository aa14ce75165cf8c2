"""Files on the disk: their size, their MD5 sum, and the space that is left for more."""

import hashlib
import shutil
from pathlib import Path

from workflow_scripts.errors import UserError


def size_of(path: Path) -> int:
    """Bytes of a file; 0 if it does not exist."""
    return path.stat().st_size if path.exists() else 0


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
            f"disk of {folder}; free space, then run again"
        )
