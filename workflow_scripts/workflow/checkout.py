"""The commit of the workflow, for the records of its results.

It must not be part of a rule's input or parameters or of a checkpoint's key: a commit that changes
no code behind a step must rerun nothing.
"""

import subprocess
from pathlib import Path
from typing import Any

from workflow_scripts.workflow.code_digests import PACKAGE

# git can be slow on a network file system.
GIT_SECONDS = 30


def state(folder: Path = PACKAGE.parent) -> dict[str, Any]:
    """The `commit` that is checked out and whether there are `uncommitted_changes`.

    Both are None if git is missing or `folder` is not the top of a repository, for example an
    unpacked archive.
    """
    unknown = {"commit": None, "uncommitted_changes": None}
    # The prefix is empty only at the top of a repository.
    if _git(folder, "rev-parse", "--show-prefix") != "":
        return unknown
    commit = _git(folder, "rev-parse", "--verify", "HEAD")
    # Untracked files, such as configuration overlays, do not change the code.
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    if commit is None or changes is None:
        return unknown
    return {"commit": commit, "uncommitted_changes": changes != ""}


def _git(folder: Path, *arguments: str) -> str | None:
    """The output of git without surrounding whitespace; None if git fails."""
    # Without the optional lock, concurrent trainings do not wait for each other.
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=GIT_SECONDS, check=True
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
