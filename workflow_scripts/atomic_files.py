"""Files that get their final name only when they are complete."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workflow_scripts.errors import UserError


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` if the block raises nothing.

    Where `path` is a link, its target is replaced. Raises UserError if it is a device or the like.
    """
    if path.is_symlink():
        path = Path(os.path.realpath(path))
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise UserError(f"{path} is not a regular file; give another file to write")
    path.parent.mkdir(parents=True, exist_ok=True)
    # The suffix stays last: numpy.save and others choose by it or would append their own.
    partial = path.with_name(f".{path.stem}.partial-{os.getpid()}{path.suffix}")
    try:
        yield partial
        partial.replace(path)
    except OSError as failure:
        # The error of a full disk names no file.
        failure.filename = failure.filename or str(path)
        raise
    finally:
        partial.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of killed steps. Call it while no step runs in `folder`."""
    for leftover in folder.rglob(".*.partial-*"):
        leftover.unlink(missing_ok=True)
