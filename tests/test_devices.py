"""Which GPUs MXNet can use and trainings ask for, by pretended listings of the driver."""

import os
import re
from collections import Counter

import pytest

from workflow_scripts.networks.devices import Gpu, parse_gpus


def test_the_drivers_listing():
    listing = "0, Tesla V100-SXM2-16GB, 7.0\n1, NVIDIA H100, 80GB HBM3, 9.0\n"
    assert parse_gpus(listing) == [
        Gpu(0, "Tesla V100-SXM2-16GB", (7, 0)),
        Gpu(1, "NVIDIA H100, 80GB HBM3", (9, 0)),
    ]
    assert parse_gpus("") == []
    assert parse_gpus("0, Odd GPU, [N/A]\n") == []


@pytest.mark.parametrize(
    ("capability", "usable"),
    [((3, 5), False), ((5, 0), True), ((7, 5), True), ((8, 9), True), ((9, 0), False)],
)
def test_kernels_reach_from_maxwell_to_ada(capability, usable):
    assert Gpu(0, "GPU", capability).runs_mxnet == usable


@pytest.fixture
def pretended_gpu(tmp_path):
    """An environment with a CUDA build of MXNet and a GPU of a given compute capability."""

    def pretend(capability):
        site, programs = tmp_path / "site", tmp_path / "bin"
        information = site / "mxnet_cu117-1.9.1.dist-info"
        information.mkdir(parents=True)
        (information / "METADATA").write_text("Metadata-Version: 2.1\nName: mxnet-cu117\n")
        programs.mkdir()
        (programs / "nvidia-smi").write_text(f"#!/bin/sh\necho '0, Pretended GPU, {capability}'\n")
        (programs / "nvidia-smi").chmod(0o755)
        path = f"{programs}{os.pathsep}{os.environ['PATH']}"
        return {"PYTHONPATH": str(site), "PATH": path}

    return pretend


def gpus_asked_for(workflow, *arguments, environment=None):
    """The --gpus of every training that a dry run plans."""
    output = workflow("-n", "--printshellcmds", *arguments, environment=environment)
    return Counter(re.findall(r"--gpus (\d+)", output))


def test_a_training_asks_for_one_gpu_where_one_can_be_used(workflow, pretended_gpu):
    usable = pretended_gpu("8.6")
    assert gpus_asked_for(workflow) == {"0": 120}
    assert gpus_asked_for(workflow, environment=usable) == {"1": 120}
    assert gpus_asked_for(workflow, "--resources", "gpu=0", environment=usable) == {"0": 120}


def test_a_gpu_that_mxnet_has_no_kernels_for_does_not_count(workflow, pretended_gpu):
    assert gpus_asked_for(workflow, environment=pretended_gpu("9.0")) == {"0": 120}
