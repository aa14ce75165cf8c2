"""Which GPUs the installed MXNet can use, found without importing it."""

import re
import subprocess
from dataclasses import dataclass
from functools import cache
from importlib import metadata

# The CUDA builds of MXNet 1.9.1 hold kernels for these compute capabilities and no PTX.
OLDEST, NEWEST = (5, 0), (8, 9)


@dataclass(frozen=True)
class Gpu:
    """One GPU that the driver shows."""

    index: int
    name: str
    compute_capability: tuple[int, int]

    @property
    def runs_mxnet(self) -> bool:
        """Whether MXNet's kernels run on it."""
        return OLDEST <= self.compute_capability <= NEWEST


def parse_gpus(listing: str) -> list[Gpu]:
    """GPUs from the lines "index, name, compute capability" that nvidia-smi prints.

    A GPU whose compute capability the driver does not tell is left out.
    """
    lines = re.findall(r"^(\d+), (.*), (\d+)\.(\d+)$", listing, flags=re.MULTILINE)
    return [Gpu(int(index), name, (int(major), int(minor))) for index, name, major, minor in lines]


@cache
def usable_gpus() -> list[Gpu]:
    """GPUs on which the installed MXNet can train: none for its CPU build."""
    if not has_cuda_build():
        return []
    command = ["nvidia-smi", "--query-gpu=index,name,compute_cap", "--format=csv,noheader"]
    try:
        listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return []
    return [gpu for gpu in parse_gpus(listing) if gpu.runs_mxnet]


def has_cuda_build() -> bool:
    """Whether the installed MXNet is a CUDA build."""
    names = (distribution.metadata["Name"] or "" for distribution in metadata.distributions())
    return any(name.startswith("mxnet-cu") for name in names)
