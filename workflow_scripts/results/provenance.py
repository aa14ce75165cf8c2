"""What trained the models of a table, in a sentence."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def sentence(fits: Sequence[Mapping[str, Any]]) -> str:
    """Engines and versions, seed, and commits that the contents of fit.json tell of.

    Several of one kind are all named: an experiment may be gone on with after an update.
    """
    versions = _each(", ".join(f"{k} {v}" for k, v in fit["versions"].items()) for fit in fits)
    seeds = _each(str(fit["seed"]) for fit in fits)
    told = f"Trained with {versions}; seed {seeds}; "
    if all(fit["commit"] is None for fit in fits):
        return f"{told}the commit is unknown."
    return f"{told}commit {_each(_commit(fit) for fit in fits)}."


def _commit(fit: Mapping[str, Any]) -> str:
    if fit["commit"] is None:
        return "unknown"
    changed = " with uncommitted changes" if fit["uncommitted_changes"] else ""
    return f"{fit['commit'][:10]}{changed}"


def _each(texts: Iterable[str]) -> str:
    """Those that differ, in the order of their first."""
    return " and ".join(dict.fromkeys(texts))
