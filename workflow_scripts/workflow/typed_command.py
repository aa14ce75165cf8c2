"""Commands that a person can copy from the output and run in the same folder."""

import shlex
import sys
from pathlib import Path

from workflow_scripts.workflow.code_digests import PACKAGE


def python_command(module: str, *arguments: str) -> str:
    """The command that runs this Python with a module of ours, from the current folder.

    It needs no activated environment.
    """
    folder = Path.cwd()
    python = Path(sys.executable)
    if folder in python.parents:
        python = python.relative_to(folder)
    words = [str(python), "-m", f"workflow_scripts.{module}", *arguments]
    command = " ".join(map(shlex.quote, words))
    if folder == PACKAGE.parent:
        return command
    return f"PYTHONPATH={shlex.quote(str(PACKAGE.parent))} {command}"
