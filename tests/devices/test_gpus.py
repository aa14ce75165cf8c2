"""Which GPU a training takes, by pretended listings of the driver."""

import os
import re
import subprocess
import sys
from collections import Counter
from itertools import pairwise

import pytest

from tests.conftest import ROOT
from workflow_scripts.devices import gpus as gpu_module
from workflow_scripts.devices.gpus import Gpu, parse_gpus, visible
from workflow_scripts.errors import UserError

AMPERE = Gpu(0, "GPU-aaaa-1", "NVIDIA A40", (8, 6))
VOLTA = Gpu(1, "GPU-aabb-2", "Tesla V100-SXM2-16GB", (7, 0))
HOPPER = Gpu(2, "GPU-cccc-3", "NVIDIA H100, 80GB HBM3", (9, 0))
GPUS = [AMPERE, VOLTA, HOPPER]


def listing(*gpus):
    """What nvidia-smi prints of them."""
    return "".join(
        f"{gpu.index}, {gpu.uuid}, {gpu.name}, {'.'.join(map(str, gpu.compute_capability))}\n"
        for gpu in gpus
    )


def test_the_drivers_listing():
    assert parse_gpus(listing(*GPUS)) == GPUS
    assert parse_gpus("") == []
    assert parse_gpus("0, GPU-1, Odd GPU, [N/A]\n") == []


@pytest.mark.parametrize(
    ("capability", "usable"),
    [((3, 5), False), ((5, 0), True), ((7, 5), True), ((8, 9), True), ((9, 0), False)],
)
def test_mxnets_kernels_reach_from_maxwell_to_ada(capability, usable):
    assert Gpu(0, "GPU-1", "GPU", capability).runs_mxnet == usable


@pytest.mark.parametrize(
    ("chosen", "gpus"),
    [
        (None, GPUS),
        ("", []),
        ("-1", []),
        ("1", [VOLTA]),
        ("2,0", [HOPPER, AMPERE]),
        (" 0 , 1 ", [AMPERE, VOLTA]),
        ("0,7,1", [AMPERE]),
        ("NoDevFiles", []),
        ("0,0,1", [AMPERE]),
        ("GPU-cccc-3", [HOPPER]),
        ("GPU-aab", [VOLTA]),
        ("GPU-aa", []),
        ("MIG-12/34", [Gpu(0, "MIG-12/34", "NVIDIA A40", (8, 6))]),
    ],
)
def test_cuda_visible_devices(chosen, gpus):
    assert visible(GPUS, {} if chosen is None else {"CUDA_VISIBLE_DEVICES": chosen}) == gpus


@pytest.mark.parametrize(
    "program", ["echo lost; exit 15", "printf '\\377\\376 \\n'", "exec sleep 60"]
)
def test_a_driver_that_does_not_answer_shows_no_gpu(tmp_path, monkeypatch, program):
    (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\n{program}\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(gpu_module, "DRIVER_SECONDS", 0.5)
    assert gpu_module.visible_gpus() == []


@pytest.fixture
def machine(monkeypatch):
    """Pretends a framework's build and what the driver shows."""

    def pretend(cuda_build, gpus, chosen=None):
        monkeypatch.setattr(gpu_module, "has_cuda_build", lambda engine: cuda_build)
        environment = {} if chosen is None else {"CUDA_VISIBLE_DEVICES": chosen}
        monkeypatch.setattr(gpu_module, "visible_gpus", lambda: visible(gpus, environment))

    return pretend


@pytest.mark.parametrize(
    ("engine", "cuda_build", "gpus", "sentence"),
    [
        ("mxnet", True, [HOPPER], r"no kernels for NVIDIA H100.* \(compute capability 9\.0\).*"),
        ("mxnet", False, [AMPERE], r"MXNet is a build without CUDA; .*make env GPU=1"),
        ("torch", False, [HOPPER], "PyTorch is a build without CUDA"),
        ("torch", True, [], "none is visible here"),
    ],
)
def test_a_gpu_that_cannot_be_used_is_a_sentence(machine, engine, cuda_build, gpus, sentence):
    machine(cuda_build, gpus)
    with pytest.raises(UserError, match=sentence) as told, gpu_module.claim(engine, 1):
        pass
    assert "--resources gpu=0" in str(told.value)
    assert ("engine: torch" in str(told.value)) == (engine == "mxnet" and gpus == [HOPPER])


def test_mxnet_leaves_out_what_it_has_no_kernels_for_and_pytorch_does_not(machine):
    machine(True, [HOPPER, VOLTA])
    assert gpu_module.usable_gpus("mxnet") == [VOLTA]
    assert gpu_module.usable_gpus("torch") == [HOPPER, VOLTA]


def test_without_a_gpu_resource_no_gpu_is_looked_for(machine, monkeypatch):
    monkeypatch.setattr(gpu_module, "visible_gpus", lambda: pytest.fail("asked the driver"))
    with gpu_module.claim("mxnet", 0) as gpu:
        assert gpu is None


# Claims a GPU, says which, and keeps it until its input ends.
HOLDER = """
import os, sys
from workflow_scripts.devices import gpus
with gpus.claim("mxnet", 1):
    print(os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
    sys.stdin.read()
"""
# Claims a GPU for a moment and says when.
PASSER = """
import os, time
from workflow_scripts.devices import gpus
with gpus.claim("mxnet", 1):
    started = time.monotonic()
    time.sleep(0.3)
    print(os.environ["CUDA_VISIBLE_DEVICES"], started, time.monotonic(), flush=True)
"""
WAITING = "waiting: other trainings hold every visible GPU"


@pytest.fixture
def pretended_gpus(tmp_path):
    """An environment with a CUDA build of MXNet, these GPUs, and locks of its own."""

    def pretend(*gpus, **variables):
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

    return pretend


@pytest.fixture
def start():
    """Starts a program that claims a GPU; its output is one stream of lines."""
    processes = []

    def started(program, environment):
        processes.append(
            subprocess.Popen(
                [sys.executable, "-u", "-c", program],
                cwd=ROOT,
                env=os.environ | environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        return processes[-1]

    yield started
    for process in processes:
        with process:
            process.kill()


def line(process):
    """What it says next; blocks until then."""
    return process.stdout.readline().rstrip("\n")


def test_jobs_take_one_gpu_each_and_queue_for_them(start, pretended_gpus):
    environment = pretended_gpus(AMPERE, VOLTA, HOPPER)
    first = start(HOLDER, environment)
    assert line(first) == AMPERE.uuid
    second = start(HOLDER, environment)
    assert line(second) == VOLTA.uuid, "two work at once"
    third = start(HOLDER, environment)
    assert line(third) == WAITING, "the Hopper is of no use to MXNet"
    second.stdin.close()
    assert line(third) == VOLTA.uuid


def test_jobs_that_start_together_never_share_a_gpu(start, pretended_gpus):
    environment = pretended_gpus(AMPERE, VOLTA)
    times = {AMPERE.uuid: [], VOLTA.uuid: []}
    for process in [start(PASSER, environment) for _ in range(5)]:
        output, _ = process.communicate(timeout=60)
        gpu, started, ended = output.splitlines()[-1].split()
        times[gpu].append((float(started), float(ended)))
    for held in times.values():
        for before, after in pairwise(sorted(held)):
            assert before[1] <= after[0]


def test_what_a_cluster_gave_to_the_job_is_all_it_takes(start, pretended_gpus):
    environment = pretended_gpus(AMPERE, VOLTA, CUDA_VISIBLE_DEVICES="1")
    first = start(HOLDER, environment)
    assert line(first) == VOLTA.uuid
    second = start(HOLDER, environment)
    assert line(second) == WAITING
    first.stdin.close()
    assert line(second) == VOLTA.uuid


def test_who_does_not_wait_is_told(pretended_gpus, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with gpu_module.locked([AMPERE], wait=False) as gpu:
        assert gpu == AMPERE
        with (
            pytest.raises(UserError, match="another training holds every visible GPU"),
            gpu_module.locked([AMPERE], wait=False),
        ):
            pass


def test_a_killed_job_frees_its_gpu(start, pretended_gpus):
    environment = pretended_gpus(AMPERE)
    first = start(HOLDER, environment)
    assert line(first) == AMPERE.uuid
    second = start(HOLDER, environment)
    assert line(second) == WAITING
    first.kill()
    assert line(second) == AMPERE.uuid


def gpus_asked_for(workflow, *arguments, environment=None):
    """The --gpus of every training that a dry run plans."""
    output = workflow("-n", "--printshellcmds", *arguments, environment=environment)
    return Counter(re.findall(r"--gpus (\d+)", output))


@pytest.mark.slow
def test_a_training_asks_for_one_gpu_where_there_is_one(workflow, pretended_gpus):
    environment = pretended_gpus(AMPERE)
    assert gpus_asked_for(workflow) == {"0": 120}
    assert gpus_asked_for(workflow, environment=environment) == {"1": 120}
    assert gpus_asked_for(workflow, "--resources", "gpu=2", environment=environment) == {"1": 120}
    assert gpus_asked_for(workflow, "--resources", "gpu=0", environment=environment) == {"0": 120}
    hidden = environment | {"CUDA_VISIBLE_DEVICES": ""}
    assert gpus_asked_for(workflow, environment=hidden) == {"0": 120}


@pytest.mark.parametrize(
    ("granted", "cuda_build", "shown", "reason"),
    [
        (None, False, [], None),
        ("", False, [], None),
        ("0", True, ["a GPU"], None),
        ("0", False, ["a GPU"], "the installed mxnet is a build without CUDA"),
        ("1", True, [], "nvidia-smi shows none"),
    ],
)
def test_a_granted_gpu_that_is_of_no_use_is_said(monkeypatch, granted, cuda_build, shown, reason):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if granted is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", granted)
    monkeypatch.setattr(gpu_module, "has_cuda_build", lambda engine: cuda_build)
    monkeypatch.setattr(gpu_module, "visible_gpus", lambda: shown)
    said = f"the GPU granted (CUDA_VISIBLE_DEVICES={granted}) stays idle: {reason}"
    assert gpu_module.why_idle("mxnet") == (reason and said)
