"""GPUs that do not exist, as the driver would list them."""

import os

from workflow_scripts.devices.gpus import Gpu

AMPERE = Gpu(0, "GPU-aaaa-1", "NVIDIA A40", (8, 6), 46068)
VOLTA = Gpu(1, "GPU-aabb-2", "Tesla V100-SXM2-16GB", (7, 0), 16384, shared=False)
HOPPER = Gpu(2, "GPU-cccc-3", "NVIDIA H100, 80GB HBM3", (9, 0))
GPUS = [AMPERE, VOLTA, HOPPER]


def listing(*gpus):
    """The lines that nvidia-smi prints for these GPUs."""
    return "".join(
        f"{gpu.index}, {gpu.uuid}, {gpu.name}, {'.'.join(map(str, gpu.compute_capability))}, "
        f"{gpu.memory_mb or '[N/A]'}, {'Default' if gpu.shared else 'Exclusive_Process'}\n"
        for gpu in gpus
    )


def pretend(tmp_path, *gpus, **variables):
    """An environment with a CUDA build of MXNet, these GPUs, and a separate folder for locks."""
    site, programs = tmp_path / "site", tmp_path / "bin"
    information = site / "mxnet_cu117-1.9.1.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: mxnet-cu117\n")
    programs.mkdir()
    (tmp_path / "listing").write_text(listing(*gpus))
    (programs / "nvidia-smi").write_text(f"#!/bin/sh\ncat '{tmp_path}/listing'\n")
    (programs / "nvidia-smi").chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    return {"PYTHONPATH": str(site), "PATH": path, "TMPDIR": str(tmp_path)} | variables
