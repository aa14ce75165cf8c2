"""This package as the rules see it: the modules behind each step, and how jobs find them."""

import ast
import hashlib
import os
import sys
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent
# They word messages, place files, find GPUs and libraries; no number comes from them.
WITHOUT_NUMBERS = frozenset(
    f"workflow_scripts/{module}.py"
    for module in (
        "step",
        "sources",
        "networks/cuda_libraries",
        "networks/devices",
        "networks/display",
    )
)


def offer_to_jobs() -> None:
    """Let `python -m workflow_scripts.STEP` in a job be this Python and this package.

    Whatever folder the job starts in, and whether or not the environment is activated. With
    `--sdm conda` the job's own environment still comes first.
    """
    path = os.environ.get("PATH", os.defpath)
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), path])
    os.environ["PYTHONPATH"] = str(PACKAGE.parent)


def code_of(*modules: str) -> list[str]:
    """These modules of this package and all of it that they import, directly or not; sorted paths.

    A module is named by its path, as in "train" or "networks/engine_mxnet"; the paths returned are
    relative to the folder that holds the package. Imports inside functions count as well.
    """
    found: set[str] = set()
    waiting = [f"workflow_scripts/{module}.py" for module in modules]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting.extend(_imports(path))
    return sorted(found - WITHOUT_NUMBERS)


def digest_of(*modules: str) -> str:
    """SHA-256 of all that `code_of` names."""
    digest = hashlib.sha256()
    for path in code_of(*modules):
        content = (PACKAGE.parent / path).read_bytes()
        digest.update(f"{path}\n{len(content)}\n".encode() + content)
    return digest.hexdigest()


@cache
def _imports(path: str) -> list[str]:
    """Paths of the package's modules that this module names in its import statements."""
    root = PACKAGE.parent
    names = set()
    for node in ast.walk(ast.parse((root / path).read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    modules = (name.replace(".", "/") + ".py" for name in names)
    return [
        module
        for module in modules
        if module.startswith("workflow_scripts/") and (root / module).is_file()
    ]
