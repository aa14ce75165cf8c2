"""Paths to keys of nested dictionaries and lists, such as trunks.time.filter.1."""

import difflib
from collections.abc import Iterable, Iterator
from functools import reduce
from typing import Any

from workflow_scripts.errors import listed, printable


def get(tree: Any, path: str) -> Any:
    """The value at a path that exists."""
    return reduce(_child, path.split("."), tree)


def put(tree: Any, path: str, value: Any) -> None:
    """Set the value at a path whose parents exist; a mapping updates one that is there."""
    *parents, last = path.split(".")
    parent = reduce(_child, parents, tree)
    key = int(last) if isinstance(parent, list) else last
    if isinstance(value, dict) and isinstance(parent, dict) and isinstance(parent.get(last), dict):
        for part, own in value.items():
            put(parent[last], part, own)
    else:
        parent[key] = value


def problem(tree: Any, path: str) -> str:
    """What to write instead of a path that does not exist; empty if it exists.

    The last key may be missing in an entry of a list, such as a layer, which has few of its keys.
    """
    here, before, in_list = tree, "", False
    *_, last = parts = path.split(".")
    for part in parts:
        if not isinstance(here, dict | list):
            return f"{before} is a single value"
        if isinstance(here, list):
            if not (part.isdigit() and int(part) < len(here)):
                return f"{before} is a list; its entries are 0 to {len(here) - 1}"
        elif part not in here and in_list and part is last:
            return ""
        elif part not in here:
            if not before:
                return hint(path, _paths(tree), "keys")
            return hint(part, here, f"keys of {before}", f"{before}.")
        in_list = isinstance(here, list)
        here, before = _child(here, part), f"{before}.{part}".lstrip(".")
    return ""


def hint(name: str, known: Iterable[str], kind: str, prefix: str = "") -> str:
    """A close match of `name` among `known` names, shown after `prefix`; otherwise all of them.

    A path that ends in `name` is a close match too.
    """
    names = list(known)
    close = [other for other in names if other.endswith(f".{name}")]
    close += difflib.get_close_matches(name, names, n=1)
    if close:
        return f"did you mean {prefix}{printable(close[0])}?"
    return f"known {kind}: {listed([*map(printable, names)])}"


def _child(tree: Any, part: str) -> Any:
    return tree[int(part)] if isinstance(tree, list) else tree[part]


def _paths(tree: Any, prefix: str = "") -> Iterator[str]:
    """All paths of a tree."""
    parts = enumerate(tree) if isinstance(tree, list) else tree.items()
    for part, value in parts:
        yield f"{prefix}{part}"
        if isinstance(value, dict | list):
            yield from _paths(value, f"{prefix}{part}.")
