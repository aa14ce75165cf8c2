"""The state of a folder, cheap enough to ask for at every start."""

import hashlib
import os
from pathlib import Path


def fingerprint(folder: str | Path | None) -> str | None:
    """A digest of names, sizes and times of all files below `folder`; None for no folder."""
    if folder is None:
        return None
    digest = hashlib.sha256()
    for parent, folders, files in os.walk(folder, followlinks=True):
        folders.sort()
        for name in sorted(files):
            path = os.path.join(parent, name)
            if os.path.isfile(path):
                status = os.stat(path)
                entry = (os.path.relpath(path, folder), status.st_size, status.st_mtime_ns)
                digest.update(repr(entry).encode(errors="surrogateescape"))
    return digest.hexdigest()
