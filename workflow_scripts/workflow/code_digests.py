"""This package as the rules see it: the modules behind each step, and how jobs find them."""

import ast
import hashlib
import io
import os
import sys
import tokenize
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
# They word messages, place files, find GPUs, libraries and commits; no number comes from them.
WITHOUT_NUMBERS = frozenset(
    f"workflow_scripts/{module}.py"
    for module in (
        "atomic_files",
        "errors",
        "interruption",
        "process",
        "devices/cuda_libraries",
        "devices/gpus",
        "networks/display",
        "workflow/checkout",
        "workflow/code_digests",
    )
)


def offer_to_jobs() -> None:
    """Let `python -m workflow_scripts.steps.STEP` in a job be this Python and this package.

    Whatever folder the job starts in, and whether or not the environment is activated. With
    `--sdm conda` the job's own environment still comes first.
    """
    path = os.environ.get("PATH", os.defpath)
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), path])
    os.environ["PYTHONPATH"] = str(PACKAGE.parent)


def code_of(*modules: str) -> list[str]:
    """These modules of this package and all of it that they import, directly or not; sorted paths.

    A module is named by its path, as in "steps/train" or "networks/engine_mxnet". The returned
    paths are relative to the repository. Imports inside functions count as well.
    """
    found: set[str] = set()
    waiting = [f"workflow_scripts/{module}.py" for module in modules]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting.extend(_imports(path))
    return sorted(found - WITHOUT_NUMBERS)


def digests_of(*modules: str) -> list[str]:
    """A line "path digest" for each module that `code_of` names.

    The rules take them as parameters, so that an edit reruns what it may change; as input files
    the modules would rerun it for a comment.
    """
    return [f"{path} {_digest(path)}" for path in code_of(*modules)]


def digest_of(*modules: str) -> str:
    """SHA-256 of all that `digests_of` says."""
    return hashlib.sha256("\n".join(digests_of(*modules)).encode()).hexdigest()


def substance(source: str) -> str:
    """A module's text without comments, docstrings and blank lines."""
    lines = source.splitlines()
    dropped = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        row, column = token.start
        if token.type == tokenize.COMMENT:
            lines[row - 1] = lines[row - 1][:column].rstrip()
        # A blank line inside a string is no such token.
        if token.type == tokenize.NL and not lines[row - 1].strip():
            dropped.add(row)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            text = node.body[0]
            dropped |= {*range(text.lineno, (text.end_lineno or text.lineno) + 1)}
    return "\n".join(line for row, line in enumerate(lines, 1) if row not in dropped)


@cache
def _digest(path: str) -> str:
    text = substance((PACKAGE.parent / path).read_text())
    return hashlib.sha256(text.encode()).hexdigest()[:16]


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
