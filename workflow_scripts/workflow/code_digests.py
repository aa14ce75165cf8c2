"""Digests of the code behind each step, and the environment in which jobs find the code."""

import ast
import hashlib
import io
import os
import sys
import tokenize
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
# No result depends on these modules: messages, files, GPUs, libraries and commits.
WITHOUT_NUMBERS = frozenset(
    f"workflow_scripts/{module}.py"
    for module in (
        "atomic_files",
        "errors",
        "interruption",
        "missing_packages",
        "process",
        "devices/cuda_libraries",
        "devices/gpus",
        "networks/display",
        "networks/epoch_file",
        "workflow/checkout",
        "workflow/code_digests",
    )
)


def offer_to_jobs() -> None:
    """Let `python -m workflow_scripts.steps.STEP` run this Python and this package in jobs.

    This works in any folder and without an activated environment. With `--sdm conda` the job's
    environment comes first.
    """
    path = os.environ.get("PATH", os.defpath)
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), path])
    inherited = os.environ.get("PYTHONPATH")
    paths = [str(PACKAGE.parent), *([inherited] if inherited else [])]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)


def code_of(*modules: str) -> list[str]:
    """Paths of these modules, of the package's modules that they import, and of their data files.

    A module is named by its path, such as "steps/train" or "networks/engine_mxnet". Imports inside
    functions count too. A data file is a file beside a module whose name is a string in the module.
    The paths are sorted and relative to the repository.
    """
    found: set[str] = set()
    waiting = [f"workflow_scripts/{module}.py" for module in modules]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting.extend(_read(path).imports)
    code = found - WITHOUT_NUMBERS
    return sorted(code.union(*(_read(path).data_files for path in code)))


def digests_of(*modules: str) -> list[str]:
    """A line "path digest" for each file that `code_of` returns.

    The rules take these lines as a parameter, so that an edit of the code reruns its rules. If the
    modules were input files, an edited comment would rerun them too.
    """
    return [f"{path} {_read(path).digest}" for path in code_of(*modules)]


def digest_of(*modules: str) -> str:
    """SHA-256 of the lines of `digests_of`."""
    return hashlib.sha256("\n".join(digests_of(*modules)).encode()).hexdigest()


@dataclass(frozen=True)
class _File:
    """A file of the code: its digest, and the paths of files that it leads to."""

    digest: str
    imports: list[str]
    data_files: list[str]


@cache
def _read(path: str) -> _File:
    content = (PACKAGE.parent / path).read_bytes()
    if not path.endswith(".py"):
        return _File(_digest(content), [], [])
    source = content.decode()
    nodes = [*ast.walk(ast.parse(source))]
    digest = _digest(_substance(source, nodes).encode())
    return _File(digest, _imports(nodes), _data_files(path, nodes))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _substance(source: str, nodes: Sequence[ast.AST]) -> str:
    """The source of a module without comments, docstrings and blank lines."""
    lines = source.splitlines()
    dropped = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        row, column = token.start
        if token.type == tokenize.COMMENT:
            lines[row - 1] = lines[row - 1][:column].rstrip()
        # Blank lines inside strings have no NL token.
        if token.type == tokenize.NL and not lines[row - 1].strip():
            dropped.add(row)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in nodes:
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            text = node.body[0]
            dropped |= {*range(text.lineno, (text.end_lineno or text.lineno) + 1)}
    return "\n".join(line for row, line in enumerate(lines, 1) if row not in dropped)


def _imports(nodes: Sequence[ast.AST]) -> list[str]:
    """Paths of the package's modules that a module imports."""
    names = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    modules = (name.replace(".", "/") + ".py" for name in names)
    return [
        module
        for module in modules
        if module.startswith("workflow_scripts/") and (PACKAGE.parent / module).is_file()
    ]


def _data_files(path: str, nodes: Sequence[ast.AST]) -> list[str]:
    """Paths of the files beside a module that it names, and of the files in folders it names.

    Hidden files and backups (`~`), which file managers and editors leave, do not count.
    """
    constants = {node.value for node in nodes if isinstance(node, ast.Constant)}
    found: list[Path] = []
    for beside in (PACKAGE.parent / path).parent.iterdir():
        if beside.name in constants and beside.suffix != ".py" and beside.name != "__pycache__":
            found += [beside] if beside.is_file() else filter(Path.is_file, beside.iterdir())
    return [
        str(file.relative_to(PACKAGE.parent))
        for file in found
        if not file.name.startswith(".") and not file.name.endswith("~")
    ]
