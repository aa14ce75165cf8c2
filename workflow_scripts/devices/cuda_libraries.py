"""Load the shared libraries of MXNet's CUDA build from the nvidia-* packages.

The dynamic linker does not search these packages, but it uses a library that is already loaded
under the same name. It is therefore enough to load each library in advance, dependencies first.
"""

import ctypes
import sys
from pathlib import Path

from workflow_scripts.devices.gpus import has_cuda_build
from workflow_scripts.errors import UserError

DRIVER = "libcuda.so.1"
# Exact names, because PyTorch installs the same libraries of a later CUDA release.
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
    # libcudnn.so.8 loads the others by name on first use; all must be of the same version.
    "cudnn/lib/libcudnn_ops_infer.so.8",
    "cudnn/lib/libcudnn_ops_train.so.8",
    "cudnn/lib/libcudnn_cnn_infer.so.8",
    "cudnn/lib/libcudnn_cnn_train.so.8",
    "cudnn/lib/libcudnn_adv_infer.so.8",
    "cudnn/lib/libcudnn_adv_train.so.8",
    "cudnn/lib/libcudnn.so.8",
)


def load() -> None:
    """Load what MXNet needs, before it is imported; its CPU build needs nothing.

    A library that is in no package is skipped: the dynamic linker may find it in the system.

    Raises UserError if the NVIDIA driver is missing.
    """
    if not has_cuda_build("mxnet"):
        return
    try:
        ctypes.CDLL(DRIVER)
    except OSError as failure:
        raise UserError(
            f"MXNet's CUDA build needs the NVIDIA driver ({DRIVER}), which this machine lacks; "
            "install the driver, or return to the CPU build with `make env`"
        ) from failure
    for library in LIBRARIES:
        paths = (Path(folder, "nvidia", library) for folder in sys.path)
        path = next((path for path in paths if path.is_file()), None)
        if path:
            ctypes.CDLL(str(path))
