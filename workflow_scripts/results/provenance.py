"""A sentence on the software, seed and commit that trained the models of a table."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from workflow_scripts import checksums
from workflow_scripts.audio.parameters import PAPERS
from workflow_scripts.dataset.digests import digest_of_file
from workflow_scripts.errors import UserError
from workflow_scripts.networks.identity import ModelKey


def read(fit: Path, key: ModelKey) -> dict[str, Any]:
    """The content of a fit.json. Raises UserError if it is damaged or of another model.

    Without a front end, it was written when there was only the paper's.
    """
    return {"front_end": PAPERS.settings} | checksums.read_json(fit, key.record)


def check_weights(npz: Path, fit: Mapping[str, Any]) -> str:
    """The digest of weights.npz; `fit` is the content of the fit.json beside it.

    Raises UserError if it is another model.
    """
    digest = digest_of_file(npz)
    if digest != fit["digests"]["weights"]:
        raise UserError(
            f"{npz} is not the model that fit.json beside it describes; remove it and run snakemake"
        )
    return digest


def other_setting(fit: Mapping[str, Any], settings: Mapping[str, Any]) -> str | None:
    """The first of the settings with which a model was not trained; None if there is none."""
    return next((key for key, value in settings.items() if fit.get(key) != value), None)


def sentence(fits: Sequence[Mapping[str, Any]]) -> str:
    """Name the versions, seeds and commits in `fits`, contents of fit.json.

    All different values are named: an experiment may continue after an update.
    """
    versions = _distinct(", ".join(f"{k} {v}" for k, v in fit["versions"].items()) for fit in fits)
    start = f"Trained with {versions}; seed {seeds(fits)}; "
    return f"{start}{commits(fits) or 'the commit is unknown'}."


def seeds(fits: Sequence[Mapping[str, Any]]) -> str:
    """The seeds of the trainings."""
    return _distinct(str(fit["seed"]) for fit in fits)


def commits(fits: Sequence[Mapping[str, Any]]) -> str:
    """The commits of the trainings, such as "commit 0123456789"; "" if none is known."""
    if all(fit["commit"] is None for fit in fits):
        return ""
    return f"commit {_distinct(_commit(fit) for fit in fits)}"


def _commit(fit: Mapping[str, Any]) -> str:
    if fit["commit"] is None:
        return "unknown"
    changed = " with uncommitted changes" if fit["uncommitted_changes"] else ""
    return f"{fit['commit'][:10]}{changed}"


def _distinct(texts: Iterable[str]) -> str:
    return " and ".join(dict.fromkeys(texts))
