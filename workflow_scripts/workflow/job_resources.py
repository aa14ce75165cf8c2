"""Resources of jobs."""

from collections.abc import Callable
from typing import Any


def growing(first: int) -> Callable[[Any, int], int]:
    """A resource that grows with each attempt at a job (`--retries`): first, 2 x first, ...

    `first` is enough for the demo (benchmarks/job_costs.py) and, for rules that read tables of
    tracks, for a million tracks.
    """
    # Snakemake passes these by name.
    return lambda wildcards, attempt: first * attempt
