"""Which GPU a training takes: found without importing a framework, one training on each."""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

from filelock import FileLock, Timeout

from workflow_scripts.errors import UserError

# The CUDA builds of MXNet 1.9.1 hold kernels for these compute capabilities and no PTX.
OLDEST, NEWEST = (5, 0), (8, 9)
POLL_SECONDS = 0.5
# A driver that is broken may never answer.
DRIVER_SECONDS = 60
TO_THE_CPU = "train on the CPU with --resources gpu=0"


@dataclass(frozen=True)
class Gpu:
    """One GPU that the driver shows; `uuid` is its name in CUDA_VISIBLE_DEVICES."""

    index: int
    uuid: str
    name: str
    compute_capability: tuple[int, int]

    @property
    def runs_mxnet(self) -> bool:
        """Whether MXNet's kernels run on it."""
        return OLDEST <= self.compute_capability <= NEWEST

    def __str__(self) -> str:
        major, minor = self.compute_capability
        return f"{self.name} (compute capability {major}.{minor})"


def parse_gpus(listing: str) -> list[Gpu]:
    """GPUs from the lines "index, uuid, name, compute capability" that nvidia-smi prints.

    A GPU whose compute capability the driver does not tell is left out.
    """
    lines = re.findall(r"^(\d+), ([^,]+), (.*), (\d+)\.(\d+)$", listing, flags=re.MULTILINE)
    return [
        Gpu(int(index), uuid, name, (int(major), int(minor)))
        for index, uuid, name, major, minor in lines
    ]


def visible(gpus: list[Gpu], environment: Mapping[str, str]) -> list[Gpu]:
    """Those that CUDA_VISIBLE_DEVICES leaves, in its order; all where it is not set.

    It names a GPU by its index in the driver's list, by its UUID or the first part of it, or a
    slice of a GPU as MIG-...; as for CUDA itself, an entry that names none, or one again, hides all
    behind it.
    """
    if "CUDA_VISIBLE_DEVICES" not in environment:
        return gpus
    chosen: list[Gpu] = []
    for entry in environment["CUDA_VISIBLE_DEVICES"].split(","):
        name = entry.strip()
        if name.startswith("MIG-") and gpus:
            # The driver's list does not tell which GPU a slice is of; machines have one kind.
            found = [Gpu(gpus[0].index, name, gpus[0].name, gpus[0].compute_capability)]
        elif name.isdecimal():
            found = [gpu for gpu in gpus if gpu.index == int(name)]
        else:
            found = [gpu for gpu in gpus if name and gpu.uuid.startswith(name)]
        if len(found) != 1 or found[0] in chosen:
            break
        chosen += found
    return chosen


def visible_gpus() -> list[Gpu]:
    """The GPUs that the driver shows and the environment leaves to this process."""
    command = ["nvidia-smi", "--query-gpu=index,uuid,name,compute_cap", "--format=csv,noheader"]
    try:
        # Unchecked: it fails for one lost GPU of several, and lists the others.
        asked = subprocess.run(command, capture_output=True, timeout=DRIVER_SECONDS, check=False)
    except (OSError, subprocess.SubprocessError):
        return []
    return visible(parse_gpus(asked.stdout.decode(errors="replace")), os.environ)


def has_cuda_build(engine: str) -> bool:
    """Whether the installed framework of this engine was built for NVIDIA GPUs."""
    if engine == "mxnet":
        names = (distribution.metadata["Name"] or "" for distribution in metadata.distributions())
        return any(name.startswith("mxnet-cu") for name in names)
    found = util.find_spec("torch")
    if found is None or found.origin is None:
        return False
    # Importing PyTorch takes seconds; this file of it names the CUDA release of its build.
    version = Path(found.origin).with_name("version.py").read_text()
    return re.search(r"^cuda\b.*= *['\"]\d", version, flags=re.MULTILINE) is not None


def conda_form(engine: str) -> str:
    """Which file of envs/ `--sdm conda` makes the engine's environment from.

    That of the build which runs Snakemake: a submit node has no GPU to go by, and the jobs ask for
    one only where this build can use it.
    """
    if engine == "torch":
        return "torch"
    return "gpu" if has_cuda_build("mxnet") else "cpu"


def why_idle(engine: str) -> str | None:
    """Why a GPU that a cluster has granted this job is of no use to it, if so.

    A cluster names what it grants in CUDA_VISIBLE_DEVICES.
    """
    granted = os.environ.get("CUDA_VISIBLE_DEVICES")
    if not granted:
        return None
    if not has_cuda_build(engine):
        reason = f"the installed {engine} is a build without CUDA"
    elif not visible_gpus():
        reason = "nvidia-smi shows none"
    else:
        return None
    return f"the GPU granted (CUDA_VISIBLE_DEVICES={granted}) stays idle: {reason}"


def with_kernels(engine: str, gpus: list[Gpu]) -> list[Gpu]:
    """Those of `gpus` that `engine` has kernels for.

    What PyTorch has kernels for is known to PyTorch alone, so its engine checks for itself.
    """
    return [gpu for gpu in gpus if engine == "torch" or gpu.runs_mxnet]


def gpus_to_use(engine: str) -> list[Gpu]:
    """The GPUs of this machine that trainings use; none for a build without CUDA.

    If the engine has kernels for none of them they count all the same: a training then says so.
    """
    gpus = visible_gpus() if has_cuda_build(engine) else []
    return with_kernels(engine, gpus) or gpus


def cpu_note(engine: str, local: bool) -> str | None:
    """A sentence if trainings will run on the CPU, as far as this machine knows.

    `local` tells whether this machine itself runs them.
    """
    cuda = has_cuda_build(engine)
    if not local:
        return (
            None
            if cuda
            else (
                f"Training on the CPU: the installed {engine} is a build without CUDA; "
                "--resources gpu=0 asks the cluster for no GPUs."
            )
        )
    gpus = visible_gpus()
    if cuda and gpus:
        return None
    if not gpus:
        return "Training on the CPU: no GPU is visible."
    return (
        f"Training on the CPU: the installed {engine} is a build without CUDA; {gpus[0]} stays "
        "idle."
    )


def usable_gpus(engine: str) -> list[Gpu]:
    """The visible GPUs that `engine` has kernels for.

    Raises UserError, naming the GPU and the way out, where there is none.
    """
    if not has_cuda_build(engine):
        title, command = {
            "mxnet": ("MXNet", "make env GPU=1"),
            "torch": ("PyTorch", "pip install another build"),
        }[engine]
        raise UserError(
            f"the installed {title} is a build without CUDA; change it with {command}, or "
            f"{TO_THE_CPU}"
        )
    gpus = visible_gpus()
    if not gpus:
        raise UserError(
            "this job is to use a GPU and none is visible here (CUDA_VISIBLE_DEVICES is "
            f"{os.environ.get('CUDA_VISIBLE_DEVICES', 'not set')}); ask `nvidia-smi`, or "
            f"{TO_THE_CPU}"
        )
    usable = with_kernels(engine, gpus)
    if not usable:
        raise UserError(
            f"MXNet has no kernels for {gpus[0]}: it runs on compute capability "
            f"{OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}; set engine: torch, or "
            f"{TO_THE_CPU}"
        )
    return usable


@contextmanager
def claim(engine: str, n_gpus: int, wait: bool = True) -> Iterator[Gpu | None]:
    """Hold one GPU for this process alone and make it the only visible one; None for the CPU.

    Call it before the framework is imported. The lock is one of the operating system and ends with
    the process, however that ends. While other trainings hold all GPUs, this one waits, unless told
    not to.

    Raises UserError where no GPU can be used.
    """
    if n_gpus == 0:
        yield None
        return
    gpus = usable_gpus(engine)
    with locked(gpus, wait) as gpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu.uuid
        yield gpu


@contextmanager
def locked(gpus: list[Gpu], wait: bool) -> Iterator[Gpu]:
    """Take, or wait for, the first of `gpus` that no other job of this user has locked."""
    folder = Path(tempfile.gettempdir()) / f"training-gpus-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    locks = [(gpu, FileLock(folder / f"{gpu.uuid}.lock")) for gpu in gpus]
    waiting = False
    while True:
        for gpu, lock in locks:
            try:
                lock.acquire(blocking=False)
            except Timeout:
                continue
            try:
                yield gpu
            finally:
                lock.release()
            return
        if not wait:
            raise UserError(
                "another training holds every visible GPU; try again when it has ended, or ask "
                "for fewer GPUs"
            )
        if not waiting:
            waiting = True
            print("waiting: other trainings hold every visible GPU", file=sys.stderr, flush=True)
        time.sleep(POLL_SECONDS)
