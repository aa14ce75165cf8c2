"""Select the GPU of a training without importing a framework; each GPU runs one training."""

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

# The CUDA builds of MXNet 1.9.1 contain kernels for these compute capabilities, and no PTX.
OLDEST, NEWEST = (5, 0), (8, 9)
POLL_SECONDS = 0.5
# A broken driver may never answer.
DRIVER_SECONDS = 60
TO_THE_CPU = "train on the CPU with --resources gpu=0"


@dataclass(frozen=True)
class Gpu:
    """One GPU that the driver lists; `uuid` is its name in CUDA_VISIBLE_DEVICES."""

    index: int
    uuid: str
    name: str
    compute_capability: tuple[int, int]

    @property
    def runs_mxnet(self) -> bool:
        """Whether MXNet has kernels for it."""
        return OLDEST <= self.compute_capability <= NEWEST

    def __str__(self) -> str:
        major, minor = self.compute_capability
        return f"{self.name} (compute capability {major}.{minor})"


def parse_gpus(listing: str) -> list[Gpu]:
    """GPUs from the lines "index, uuid, name, compute capability" that nvidia-smi prints.

    A GPU whose compute capability is unknown to the driver is skipped.
    """
    lines = re.findall(r"^(\d+), ([^,]+), (.*), (\d+)\.(\d+)$", listing, flags=re.MULTILINE)
    return [
        Gpu(int(index), uuid, name, (int(major), int(minor)))
        for index, uuid, name, major, minor in lines
    ]


def visible(gpus: list[Gpu], environment: Mapping[str, str]) -> list[Gpu]:
    """The `gpus` that CUDA_VISIBLE_DEVICES lists, in its order; all if it is not set.

    An entry is the index of a GPU in the driver's list, its UUID or the start of it, or a slice of
    a GPU (MIG-...). As in CUDA, an entry that does not match exactly one GPU, or repeats one, hides
    all entries after it.
    """
    if "CUDA_VISIBLE_DEVICES" not in environment:
        return gpus
    chosen: list[Gpu] = []
    for entry in environment["CUDA_VISIBLE_DEVICES"].split(","):
        name = entry.strip()
        if name.startswith("MIG-") and gpus:
            # The driver does not say which GPU a slice belongs to; assume that all are of one kind.
            matches = [Gpu(gpus[0].index, name, gpus[0].name, gpus[0].compute_capability)]
        elif name.isdecimal():
            matches = [gpu for gpu in gpus if gpu.index == int(name)]
        else:
            matches = [gpu for gpu in gpus if name and gpu.uuid.startswith(name)]
        if len(matches) != 1 or matches[0] in chosen:
            break
        chosen += matches
    return chosen


def visible_gpus() -> list[Gpu]:
    """The GPUs that the driver lists and the environment allows; none if the driver fails."""
    command = ["nvidia-smi", "--query-gpu=index,uuid,name,compute_cap", "--format=csv,noheader"]
    try:
        # Unchecked: if one of several GPUs is lost, nvidia-smi fails but lists the others.
        answer = subprocess.run(command, capture_output=True, timeout=DRIVER_SECONDS, check=False)
    except (OSError, subprocess.SubprocessError):
        return []
    return visible(parse_gpus(answer.stdout.decode(errors="replace")), os.environ)


def has_cuda_build(engine: str) -> bool:
    """Whether the installed framework of this engine is a CUDA build."""
    if engine == "mxnet":
        names = (distribution.metadata["Name"] or "" for distribution in metadata.distributions())
        return any(name.startswith("mxnet-cu") for name in names)
    spec = util.find_spec("torch")
    if spec is None or spec.origin is None:
        return False
    # Importing PyTorch takes seconds; its version.py states the CUDA release of the build.
    version = Path(spec.origin).with_name("version.py").read_text()
    return re.search(r"^cuda\b.*= *['\"]\d", version, flags=re.MULTILINE) is not None


def conda_form(engine: str) -> str:
    """The file in envs/, without suffix, from which `--sdm conda` makes the engine's environment.

    It matches the installed build: a submit node has no GPU to detect, and jobs request a GPU only
    if this build can use one.
    """
    if engine == "torch":
        return "torch"
    return "gpu" if has_cuda_build("mxnet") else "cpu"


def why_idle(engine: str) -> str | None:
    """Why this job cannot use the GPU that a cluster has granted it; None if it can or has none.

    A cluster lists the granted GPUs in CUDA_VISIBLE_DEVICES.
    """
    granted = os.environ.get("CUDA_VISIBLE_DEVICES")
    if not granted:
        return None
    if not has_cuda_build(engine):
        reason = f"the installed {engine} is a build without CUDA"
    elif not visible_gpus():
        reason = "nvidia-smi lists no GPU"
    else:
        return None
    return f"the GPU granted (CUDA_VISIBLE_DEVICES={granted}) stays idle: {reason}"


def with_kernels(engine: str, gpus: list[Gpu]) -> list[Gpu]:
    """The `gpus` that `engine` has kernels for; for PyTorch, all of them.

    Only PyTorch knows what it has kernels for, so its engine checks that.
    """
    return [gpu for gpu in gpus if engine == "torch" or gpu.runs_mxnet]


def gpus_to_use(engine: str) -> list[Gpu]:
    """The GPUs of this machine that trainings use; none for a build without CUDA.

    If the engine has kernels for none of them, all are returned, and the training reports it.
    """
    gpus = visible_gpus() if has_cuda_build(engine) else []
    return with_kernels(engine, gpus) or gpus


def cpu_note(engine: str, local: bool) -> str | None:
    """A note if trainings run on the CPU, as far as this machine knows; otherwise None.

    `local` is whether this machine runs them.
    """
    cuda = has_cuda_build(engine)
    if not local:
        return (
            None
            if cuda
            else (
                f"Training on the CPU: the installed {engine} is a build without CUDA; "
                "set --resources gpu=0 to request no GPUs from the cluster."
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

    Raises UserError if there is none.
    """
    if not has_cuda_build(engine):
        title, remedy = {
            "mxnet": ("MXNet", "install the CUDA build with `make env GPU=1`"),
            "torch": ("PyTorch", "install a CUDA build with pip"),
        }[engine]
        raise UserError(f"the installed {title} is a build without CUDA; {remedy}, or {TO_THE_CPU}")
    gpus = visible_gpus()
    if not gpus:
        raise UserError(
            "this job needs a GPU, but none is visible (CUDA_VISIBLE_DEVICES is "
            f"{os.environ.get('CUDA_VISIBLE_DEVICES', 'not set')}); check the driver with "
            f"`nvidia-smi`, or {TO_THE_CPU}"
        )
    usable = with_kernels(engine, gpus)
    if not usable:
        raise UserError(
            f"MXNet has no kernels for {gpus[0]}: it supports compute capability "
            f"{OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}; set engine: torch, or "
            f"{TO_THE_CPU}"
        )
    return usable


@contextmanager
def claim(engine: str, n_gpus: int, wait: bool = True) -> Iterator[Gpu | None]:
    """Lock one GPU for this process and make it the only visible one; yield None for the CPU.

    Call it before the framework is imported. The operating system releases the lock when the
    process ends, even if it is killed. While other trainings hold all GPUs, this one waits; without
    `wait` it raises UserError.

    Raises UserError if no GPU can be used.
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
    """Lock the first of `gpus` that no other job of this user holds; wait for one if `wait`."""
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
                "other trainings hold every visible GPU; run again when one has ended, or request "
                "fewer GPUs"
            )
        if not waiting:
            waiting = True
            print("waiting: other trainings hold every visible GPU", file=sys.stderr, flush=True)
        time.sleep(POLL_SECONDS)
