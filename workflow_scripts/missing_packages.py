"""One sentence instead of a traceback where a command or a step runs without its packages.

This module imports nothing but the standard library, and Python 3.7 can still read it.
"""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path
from types import TracebackType

REPOSITORY = Path(__file__).resolve().parents[1]
ENVIRONMENT = REPOSITORY / ".venv"
LOCK = REPOSITORY / "envs/label.txt"
OLDEST = (3, 11)
# Packages that no lock has, of commands that few need.
OPTIONAL = ("mirdata",)
# These run with the packages of envs/label.txt.
LABELLING = ("commands.label", "steps.list_audio", "steps.label_shard", "steps.collect_labels")


def explain() -> None:
    """Let a missing package, or an old Python, end a command or a step with one sentence.

    Nothing changes in a Python that was not started with -m workflow_scripts.MODULE.
    """
    # What sys.argv has while -m looks for its module; Python 3.9 has no orig_argv.
    if sys.version_info < OLDEST and sys.argv[:1] == ["-m"]:
        version = ".".join(map(str, sys.version_info[:2]))
        sys.exit(f"error: Python {version} is too old; {remedy()}")
    started = re.search(r" -\w*m ?workflow_scripts\.([\w.]+)", " ".join(sys.orig_argv))
    if started is None:
        return
    module, usual = started[1], sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, at: TracebackType | None) -> None:
        package = missing(error)
        if package is None:
            usual(kind, error, at)
        else:
            sentence = f"error: this Python, {sys.executable}, lacks the package {package}"
            advice = install(package) if package in OPTIONAL else remedy(module)
            print(f"{sentence}; {advice}", file=sys.stderr)

    sys.excepthook = hook


def missing(error: BaseException) -> str | None:
    """The package that `error` misses; None for another error, or a missing module of ours."""
    if not isinstance(error, ModuleNotFoundError) or error.name is None:
        return None
    return None if error.name.partition(".")[0] == "workflow_scripts" else error.name


def install(package: str) -> str:
    """The command that installs a package for this Python."""
    return f"it is optional: {shlex.quote(sys.executable)} -m pip install {package}"


def remedy(module: str = "") -> str:
    """What a user does who ran `module`, as in "commands.label", without its packages."""
    python = _shown(ENVIRONMENT / "bin/python")
    if Path(sys.prefix).resolve() == ENVIRONMENT.resolve():
        make = f"remove {_shown(ENVIRONMENT)} and run `make env`"
    elif ENVIRONMENT.is_dir():
        make = f"use {python}"
    else:
        make = f"run `make env` and use {python}"
    if module not in LABELLING:
        return make
    install = f"{shlex.quote(sys.executable)} -m pip install --require-hashes --requirement"
    return f"{make}, or install what labelling needs: {install} {_shown(LOCK)}"


def _shown(path: Path) -> str:
    """The path from the current folder if the path is in it, in quotes where a shell needs them."""
    folder = Path.cwd()
    return shlex.quote(str(path.relative_to(folder) if folder in path.parents else path))
