"""The shared libraries of MXNet's CUDA build, from the nvidia-* packages beside it.

They lie where the dynamic linker does not look. It takes a library that is loaded already for one
of the same name, so it is enough to load them first, each after those that it needs itself.
"""

import ctypes
import sys
from pathlib import Path

from workflow_scripts.devices.gpus import has_cuda_build
from workflow_scripts.errors import UserError

DRIVER = "libcuda.so.1"
# By exact name: a PyTorch beside brings the same libraries of a later CUDA.
LIBRARIES = (
    "cuda_runtime/lib/libcudart.so.11.0",
    "nvtx/lib/libnvToolsExt.so.1",
    "cuda_nvrtc/lib/libnvrtc-builtins.so.11.7",
    "cuda_nvrtc/lib/libnvrtc.so.11.2",
    "cublas/lib/libcublasLt.so.11",
    "cublas/lib/libcublas.so.11",
    "cufft/lib/libcufft.so.10",
    "curand/lib/libcurand.so.10",
    "cusparse/lib/libcusparse.so.11",
    "cusolver/lib/libcusolver.so.11",
    "nccl/lib/libnccl.so.2",
    # libcudnn.so.8 loads the others by name when it first needs them; they have to be as old as it.
    "cudnn/lib/libcudnn_ops_infer.so.8",
    "cudnn/lib/libcudnn_ops_train.so.8",
    "cudnn/lib/libcudnn_cnn_infer.so.8",
    "cudnn/lib/libcudnn_cnn_train.so.8",
    "cudnn/lib/libcudnn_adv_infer.so.8",
    "cudnn/lib/libcudnn_adv_train.so.8",
    "cudnn/lib/libcudnn.so.8",
)


def load() -> None:
    """Load what MXNet needs before it is imported; for its CPU build that is nothing.

    A library that no package has is left to the dynamic linker: the system may have it.
    """
    if not has_cuda_build("mxnet"):
        return
    try:
        ctypes.CDLL(DRIVER)
    except OSError as failure:
        raise UserError(
            f"MXNet's CUDA build needs the NVIDIA driver ({DRIVER}), which this machine lacks: "
            "install the driver, or go back to the CPU build with `make env`"
        ) from failure
    for library in LIBRARIES:
        paths = (Path(folder, "nvidia", library) for folder in sys.path)
        path = next((path for path in paths if path.is_file()), None)
        if path:
            ctypes.CDLL(str(path))
