"""Read and write weights as .npz, which needs no deep-learning framework."""

import io
from pathlib import Path

import numpy as np

from workflow_scripts.atomic_files import atomic
from workflow_scripts.networks.architecture import Weights


def write(path: Path, weights: Weights) -> None:
    """Write the arrays under their names (`Network.weight_shapes`)."""
    arrays = io.BytesIO()
    np.savez(arrays, **weights)
    with atomic(path) as partial:
        # In one call: on a full disk, zipfile's clean-up would print a traceback.
        partial.write_bytes(arrays.getbuffer())


def read(path: Path) -> Weights:
    """The arrays by name. Pickled objects are rejected."""
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}
