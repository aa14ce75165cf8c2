"""Selection of the GPU of a training, with fake listings of the driver."""

import os
import re
import subprocess
import sys
from collections import Counter
from itertools import pairwise

import pytest

from tests.conftest import ROOT
from tests.pretended_gpus import AMPERE, GPUS, HOPPER, VOLTA, listing
from workflow_scripts.devices import gpus as gpu_module
from workflow_scripts.devices.gpus import Gpu, parse_gpus, visible
from workflow_scripts.errors import UserError


def test_the_listing_of_the_driver_is_parsed():
    assert parse_gpus(listing(*GPUS)) == GPUS
    assert parse_gpus("") == []
    assert parse_gpus("0, GPU-1, Odd GPU, [N/A], 1000, Default\n") == []


@pytest.mark.parametrize(
    ("capability", "usable"),
    [((3, 5), False), ((5, 0), True), ((7, 5), True), ((8, 9), True), ((9, 0), False)],
)
def test_mxnet_has_kernels_for_maxwell_to_ada(capability, usable):
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
def test_cuda_visible_devices_filters_gpus(chosen, gpus):
    assert visible(GPUS, {} if chosen is None else {"CUDA_VISIBLE_DEVICES": chosen}) == gpus


@pytest.mark.parametrize(
    "program", ["echo lost; exit 15", "printf '\\377\\376 \\n'", "exec sleep 60"]
)
def test_no_gpu_is_visible_if_the_driver_fails(tmp_path, monkeypatch, program):
    (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\n{program}\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(gpu_module, "DRIVER_SECONDS", 0.5)
    assert gpu_module.visible_gpus() == []


@pytest.fixture
def machine(monkeypatch):
    """Set the build of the framework and the GPUs that the driver lists."""

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
        ("torch", True, [], "none is visible"),
    ],
)
def test_an_unusable_gpu_is_an_error(machine, engine, cuda_build, gpus, sentence):
    machine(cuda_build, gpus)
    with pytest.raises(UserError, match=sentence) as error, gpu_module.claim(engine, 1):
        pass
    assert "--resources gpu=0" in str(error.value)
    assert ("engine: torch" in str(error.value)) == (engine == "mxnet" and gpus == [HOPPER])


def test_only_mxnet_skips_gpus_without_kernels(machine):
    machine(True, [HOPPER, VOLTA])
    assert gpu_module.usable_gpus("mxnet") == [VOLTA]
    assert gpu_module.usable_gpus("torch") == [HOPPER, VOLTA]


def test_the_driver_is_not_queried_for_the_cpu(machine, monkeypatch):
    monkeypatch.setattr(gpu_module, "visible_gpus", lambda: pytest.fail("queried the driver"))
    with gpu_module.claim("mxnet", 0) as gpu:
        assert gpu is None


# Claims a GPU, prints its UUID, and holds it until standard input ends.
HOLDER = """
import os, sys
from workflow_scripts.devices import gpus
with gpus.claim("mxnet", 1):
    print(os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
    sys.stdin.read()
"""
# Claims a GPU for 0.3 s and prints the times.
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
def start():
    """Start a program that claims a GPU, with its output and errors in one stream."""
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
    """The next line of output; waits for it."""
    return process.stdout.readline().rstrip("\n")


def test_each_job_claims_one_gpu_and_waits_for_a_free_one(start, fake_gpus):
    environment = fake_gpus(AMPERE, VOLTA, HOPPER)
    first = start(HOLDER, environment)
    assert line(first) == AMPERE.uuid
    second = start(HOLDER, environment)
    assert line(second) == VOLTA.uuid, "two jobs run at once"
    third = start(HOLDER, environment)
    assert line(third) == WAITING, "MXNet has no kernels for Hopper"
    second.stdin.close()
    assert line(third) == VOLTA.uuid


@pytest.mark.timing
def test_jobs_that_start_together_never_share_a_gpu(start, fake_gpus):
    environment = fake_gpus(AMPERE, VOLTA)
    times = {AMPERE.uuid: [], VOLTA.uuid: []}
    for process in [start(PASSER, environment) for _ in range(5)]:
        output, _ = process.communicate(timeout=60)
        gpu, started, ended = output.splitlines()[-1].split()
        times[gpu].append((float(started), float(ended)))
    for held in times.values():
        for before, after in pairwise(sorted(held)):
            assert before[1] <= after[0]


def test_a_job_claims_only_gpus_that_the_cluster_granted(start, fake_gpus):
    environment = fake_gpus(AMPERE, VOLTA, CUDA_VISIBLE_DEVICES="1")
    first = start(HOLDER, environment)
    assert line(first) == VOLTA.uuid
    second = start(HOLDER, environment)
    assert line(second) == WAITING
    first.stdin.close()
    assert line(second) == VOLTA.uuid


def test_jobs_share_gpus_only_when_each_has_one(start, fake_gpus):
    environment = fake_gpus(AMPERE, VOLTA)
    program = HOLDER.replace('claim("mxnet", 1)', 'claim("mxnet", 1, 2)')
    jobs = [start(program, environment) for _ in range(4)]
    assert Counter(map(line, jobs)) == {AMPERE.uuid: 2, VOLTA.uuid: 2}
    last = start(program, environment)
    assert line(last) == WAITING
    jobs[0].kill()
    assert line(last) in (AMPERE.uuid, VOLTA.uuid)


@pytest.mark.parametrize(
    ("memory_mb", "shared", "trainings"),
    [
        (0, True, 1),
        (3999, True, 1),
        (8192, True, 2),
        (12288, True, 3),
        (81559, True, 4),
        (81559, False, 1),
    ],
)
def test_trainings_share_a_gpu_by_its_memory(memory_mb, shared, trainings):
    """4 GB each, at most four; one if the driver allows one process."""
    gpu = Gpu(0, "GPU-1", "GPU", (8, 6), memory_mb, shared)
    assert gpu_module.places_per_gpu([gpu], None) == trainings
    assert gpu_module.places_per_gpu([gpu], 7) == 7, "the configuration decides"


def test_the_smallest_gpu_decides_how_many_trainings_share_each():
    big, small = (Gpu(i, f"GPU-{i}", "GPU", (8, 6), mb) for i, mb in enumerate((81559, 8192)))
    assert gpu_module.places_per_gpu([big, small], None) == 2
    assert gpu_module.places_per_gpu([], None) == 1


def test_a_killed_job_frees_its_gpu(start, fake_gpus):
    environment = fake_gpus(AMPERE)
    first = start(HOLDER, environment)
    assert line(first) == AMPERE.uuid
    second = start(HOLDER, environment)
    assert line(second) == WAITING
    first.kill()
    assert line(second) == AMPERE.uuid


def requested_gpus(workflow, *arguments, environment=None):
    """Counts of the --gpus values of the trainings in a dry run."""
    target = "results/ballroom/models/time_1x60/fold-0/fit.json"
    output = workflow("-n", "--printshellcmds", *arguments, "--", target, environment=environment)
    return Counter(re.findall(r"--gpus (\d+)", output))


def test_a_training_requests_one_gpu_if_one_is_visible(workflow, fake_gpus):
    environment = fake_gpus(AMPERE)
    assert requested_gpus(workflow) == {"0": 1}
    assert requested_gpus(workflow, environment=environment) == {"1": 1}
    assert requested_gpus(workflow, "--resources", "gpu=2", environment=environment) == {"1": 1}
    assert requested_gpus(workflow, "--resources", "gpu=0", environment=environment) == {"0": 1}
    hidden = environment | {"CUDA_VISIBLE_DEVICES": ""}
    assert requested_gpus(workflow, environment=hidden) == {"0": 1}


@pytest.mark.parametrize(
    ("granted", "cuda_build", "shown", "reason"),
    [
        (None, False, [], None),
        ("", False, [], None),
        ("0", True, ["a GPU"], None),
        ("0", False, ["a GPU"], "the installed mxnet is a build without CUDA"),
        ("1", True, [], "nvidia-smi lists no GPU"),
    ],
)
def test_a_granted_gpu_that_stays_idle_is_reported(monkeypatch, granted, cuda_build, shown, reason):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if granted is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", granted)
    monkeypatch.setattr(gpu_module, "has_cuda_build", lambda engine: cuda_build)
    monkeypatch.setattr(gpu_module, "visible_gpus", lambda: shown)
    sentence = f"the GPU granted (CUDA_VISIBLE_DEVICES={granted}) stays idle: {reason}"
    assert gpu_module.why_idle("mxnet") == (reason and sentence)
