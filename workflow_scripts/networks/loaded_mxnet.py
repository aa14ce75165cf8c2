"""MXNet, imported as this workflow needs it."""

import os
import sys

# One thread per training: parallel trainings use the cores better than parallel threads.
os.environ["OMP_NUM_THREADS"] = "1"
# CUDA's libraries would use TF32, which has ten bits of precision, where the GPU supports it.
os.environ["NVIDIA_TF32_OVERRIDE"] = "0"

import numpy as np

# MXNet 1.9.1 uses this alias, which NumPy 1.24 removed.
np.bool = bool  # type: ignore[attr-defined]

from workflow_scripts.devices import cuda_libraries

cuda_libraries.load()

# MXNet imports these, if they are installed, for parts of it that the engine does not use. That
# would take another second.
_UNUSED = [name for name in ("onnx", "scipy", "sklearn") if name not in sys.modules]
sys.modules.update(dict.fromkeys(_UNUSED))  # type: ignore[arg-type]

import mxnet as mx
from mxnet import autograd, gluon, nd

for _name in _UNUSED:
    del sys.modules[_name]

__all__ = ["autograd", "gluon", "mx", "nd"]
