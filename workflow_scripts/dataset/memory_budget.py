"""How much of the segments a training holds in memory; it reads the rest when it needs it."""

import numpy as np

from workflow_scripts.dataset.segments import Segments

# Megabytes that a training takes besides its segments, the framework included.
OVERHEAD_MB = 600


class MemoryBudget:
    """The memory left for segments, of `total_mb` megabytes that a training may take."""

    def __init__(self, total_mb: int) -> None:
        self._left = (total_mb - OVERHEAD_MB) * 1e6

    def hold(self, segments: Segments) -> np.ndarray | Segments:
        """All segments as one array while they fit; otherwise `segments`, to be read on demand."""
        held = segments.held(self._left)
        self._left -= getattr(held, "nbytes", 0)
        return held
