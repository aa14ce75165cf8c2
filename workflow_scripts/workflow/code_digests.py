"""The code behind each step, as the rules see it, and how a job finds it."""

import ast
import hashlib
import io
import os
import sys
import tokenize
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
# They word messages, write files, find GPUs, libraries and commits: no number comes from them.
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
    """Make `python -m workflow_scripts.steps.STEP` in a job run this Python and this package.

    It works in whatever folder the job starts, with or without an activated environment. With
    `--sdm conda` the job's own environment comes first.
    """
    path = os.environ.get("PATH", os.defpath)
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), path])
    own = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(PACKAGE.parent), *([own] if own else [])])


def code_of(*modules: str) -> list[str]:
    """The files behind these modules: all that they import from this package, and its data files.

    A module is named by its path, as in "steps/train" or "networks/engine_mxnet". Imports inside
    functions count as well. A data file is one that lies beside a module and is named in it. The
    returned paths are sorted and relative to the repository.
    """
    found: set[str] = set()
    waiting = [f"workflow_scripts/{module}.py" for module in modules]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting.extend(_imports(path))
    code = found - WITHOUT_NUMBERS
    return sorted(code.union(*map(_data_files, code)))


def digests_of(*modules: str) -> list[str]:
    """A line "path digest" for each file that `code_of` returns.

    The rules take these lines as a parameter, so that an edit reruns what it may change. As input
    files, the modules would rerun it for an edited comment too.
    """
    return [f"{path} {_digest(path)}" for path in code_of(*modules)]


def digest_of(*modules: str) -> str:
    """SHA-256 of the lines of `digests_of`."""
    return hashlib.sha256("\n".join(digests_of(*modules)).encode()).hexdigest()


def substance(source: str) -> str:
    """The source of a module without comments, docstrings and blank lines."""
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
    text = (PACKAGE.parent / path).read_text()
    content = substance(text) if path.endswith(".py") else text
    return hashlib.sha256(content.encode()).hexdigest()[:16]


@cache
def _imports(path: str) -> list[str]:
    """Paths of the package's modules that a module imports."""
    root = PACKAGE.parent
    names = set()
    for node in ast.walk(_parsed(path)):
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


@cache
def _data_files(path: str) -> frozenset[str]:
    """Paths of the data files beside a module that it names; of a folder, all files in it."""
    root = PACKAGE.parent
    constants = (node.value for node in ast.walk(_parsed(path)) if isinstance(node, ast.Constant))
    named = {value for value in constants if isinstance(value, str) and value.isprintable()}
    found: set[Path] = set()
    for beside in (root / path).parent.iterdir():
        if beside.name in named and beside.suffix != ".py" and beside.name != "__pycache__":
            found |= {beside} if beside.is_file() else {*filter(Path.is_file, beside.iterdir())}
    return frozenset(str(file.relative_to(root)) for file in found)


def _parsed(path: str) -> ast.Module:
    return ast.parse((PACKAGE.parent / path).read_text())
