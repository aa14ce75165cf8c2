"""The facts at the head of the page: data, chance, folds, seed, date and version."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from workflow_scripts.dataset.split import Tracks
from workflow_scripts.results import provenance
from workflow_scripts.results.baselines import MOST_PROBABLE_CLASS

# By `dataset` in config.yaml.
DATA_SETS = {"ballroom": "Ballroom", "demo": "demo, synthesised", "folder": "own audio"}


def facts(
    tracks: Tracks,
    baselines: pd.DataFrame,
    fits: Sequence[Mapping[str, Any]],
    dataset: str,
    version: str,
) -> list[tuple[str, str]]:
    """Term and value of each fact.

    `baselines` is baselines.csv, `fits` the contents of fit.json, `version` that of the workflow,
    "" if it is unknown. The date is that of the trainings, not of the page: the same results give
    the same page.
    """
    n_classes = len(tracks.classes)
    commits = provenance.commits(fits)
    stated = [
        ("Data set", DATA_SETS[dataset]),
        ("Tracks", str(len(tracks.label))),
        ("Classes", str(n_classes)),
        ("Chance", chance(n_classes, baselines)),
        ("Split", split_sizes(tracks)) if tracks.is_fixed else ("Folds", str(tracks.n_folds)),
        ("Seed", provenance.seeds(fits)),
        ("Trained", dates(fits)),
        ("Version", ", ".join(filter(None, [version, commits]))),
    ]
    return [(term, value) for term, value in stated if value]


def chance(n_classes: int, baselines: pd.DataFrame) -> str:
    """Accuracy of random classes, and of the most probable one if that baseline was computed."""
    text = f"{100 / n_classes:.1f} %"
    of_class = baselines.loc[baselines["baseline"] == MOST_PROBABLE_CLASS, "accuracy"]
    return f"{text}; most probable class {of_class.mean():.1f} %" if len(of_class) else text


def split_sizes(tracks: Tracks) -> str:
    """The number of tracks in each part of a fixed split."""
    sizes = [f"{len(tracks.part(0, part))} {part}" for part in ("train", "validation", "test")]
    return ", ".join(sizes)


def dates(fits: Sequence[Mapping[str, Any]]) -> str:
    """The first and the last day (UTC) on which a model was trained; "" if one is unknown."""
    days = sorted({fit.get("trained_on", "") for fit in fits})
    return " to ".join(dict.fromkeys([days[0], days[-1]])) if days[0] else ""
