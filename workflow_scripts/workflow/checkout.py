"""Which commit of the workflow runs here, to be told with what it makes.

It belongs into no rule's input or parameter and no checkpoint's key: a commit that changes no code
behind a step is to rerun nothing.
"""

import subprocess
from pathlib import Path
from typing import Any

from workflow_scripts.workflow.code_digests import PACKAGE

# A network file system may keep git waiting.
GIT_SECONDS = 30


def state(folder: Path = PACKAGE.parent) -> dict[str, Any]:
    """The `commit` that is checked out and whether it has `uncommitted_changes`.

    None and None where git is missing, or where `folder` is not the top of a repository, such as an
    unpacked archive.
    """
    unknown = {"commit": None, "uncommitted_changes": None}
    # A folder inside somebody else's repository has a prefix there.
    if _git(folder, "rev-parse", "--show-prefix") != "":
        return unknown
    commit = _git(folder, "rev-parse", "--verify", "HEAD")
    # Files that git does not know, such as a configuration overlaid, are no change of the code.
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    if commit is None or changes is None:
        return unknown
    return {"commit": commit, "uncommitted_changes": changes != ""}


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says, without its last line's end; None where it fails."""
    # Trainings side by side do not wait for each other's lock on the index.
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=GIT_SECONDS, check=True
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
