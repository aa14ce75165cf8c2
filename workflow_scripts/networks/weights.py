"""Read and write weights as .npz, which needs no deep-learning framework."""

from pathlib import Path

from workflow_scripts import checksums
from workflow_scripts.networks.architecture import Weights
from workflow_scripts.networks.identity import ModelKey


def write(path: Path, weights: Weights, key: ModelKey) -> None:
    """Write the arrays under their names (`Network.weight_shapes`)."""
    checksums.write_npz(path, weights, key.weights)


def read(path: Path, key: ModelKey) -> Weights:
    """The arrays by name. Raises UserError if the file is damaged or of another model."""
    return checksums.read_npz(path, key.weights)
