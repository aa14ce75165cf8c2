"""The device of the PyTorch engine, and arrays on it."""

from typing import Any

import numpy as np
import torch

from workflow_scripts.errors import UserError


def device_of(gpu: bool) -> torch.device:
    """The first visible GPU or the CPU, and PyTorch set up for it.

    Raises UserError if PyTorch finds no GPU or has no kernels for it.
    """
    # One thread per training: parallel trainings use the cores better than parallel threads.
    torch.set_num_threads(1)
    if gpu:
        check_gpu()
        # Convolutions would use TF32 by default.
        torch.backends.cudnn.allow_tf32 = False
    return torch.device("cuda" if gpu else "cpu")


def placed(values: Any, device: torch.device) -> Any:
    """An array as a tensor on the device, float32 or int64; other objects unchanged."""
    if not isinstance(values, np.ndarray):
        return values
    dtype = np.float32 if values.dtype.kind == "f" else np.int64
    return torch.from_numpy(np.ascontiguousarray(values, dtype)).to(device)


def check_gpu() -> None:
    """Raise UserError if PyTorch has no kernels for the GPU or finds none."""
    if not torch.cuda.is_available():
        raise UserError(
            "PyTorch finds no GPU that it can use (it may be built without CUDA, or the driver may "
            "be too old); install another build, or train on the CPU with --resources gpu=0"
        )
    major, minor = torch.cuda.get_device_capability()
    # Machine code (sm) runs on the same and later minor versions, PTX (compute) on all later ones.
    kernels = [name.split("_") for name in torch.cuda.get_arch_list()]
    versions = [(kind, divmod(int(n.rstrip("af")), 10)) for kind, n in kernels]
    if not any(
        built_for <= (major, minor) and (kind == "compute" or built_for[0] == major)
        for kind, built_for in versions
    ):
        raise UserError(
            f"this PyTorch has no kernels for {torch.cuda.get_device_name()} (compute capability "
            f"{major}.{minor}); install a build with such kernels, or train on the CPU with "
            "--resources gpu=0"
        )
