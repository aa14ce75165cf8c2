"""Choose which segments a training keeps in memory; the others are read on demand."""

import numpy as np

from workflow_scripts.dataset.segments import Segments

# Memory of a training without its segments, including the framework, in megabytes.
OVERHEAD_MB = 600


class MemoryBudget:
    """The memory for segments that is left of the `total_mb` megabytes of a training."""

    def __init__(self, total_mb: int) -> None:
        self._left = (total_mb - OVERHEAD_MB) * 1e6

    def hold(self, segments: Segments) -> np.ndarray | Segments:
        """All segments as one array if they fit; otherwise `segments`, which reads on demand."""
        held = segments.held(self._left)
        self._left -= getattr(held, "nbytes", 0)
        return held
