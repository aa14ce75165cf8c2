"""Select the GPU of a training without importing a framework."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import util
from pathlib import Path

from workflow_scripts.devices import gpu_locks
from workflow_scripts.errors import UserError

# The CUDA builds of MXNet 1.9.1 contain kernels for these compute capabilities, and no PTX.
OLDEST, NEWEST = (5, 0), (8, 9)
# A broken driver may never answer.
DRIVER_SECONDS = 60
TO_THE_CPU = "train on the CPU with --resources gpu=0"
QUERY = "index,uuid,name,compute_cap,memory.total,compute_mode"
# What a GPU must have free for each training that shares it: PyTorch or MXNet with CUDA's libraries
# may take 1 to 2 GB, Ballroom's segments 0.15 GB.
TRAINING_MB = 4000
# Where nobody has set another number: it was never measured on a GPU.
MOST_TRAININGS = 4


@dataclass(frozen=True)
class Gpu:
    """One GPU that the driver lists; `uuid` is its name in CUDA_VISIBLE_DEVICES.

    `memory_mb` is 0 if the driver does not tell it. `shared` is whether several processes may use
    the GPU at a time (compute mode "Default").
    """

    index: int
    uuid: str
    name: str
    compute_capability: tuple[int, int]
    memory_mb: int = 0
    shared: bool = True

    @property
    def runs_mxnet(self) -> bool:
        """Whether MXNet has kernels for it."""
        return OLDEST <= self.compute_capability <= NEWEST

    @property
    def trainings(self) -> int:
        """The number of trainings that share this GPU where the user sets none, by its memory."""
        if not self.shared:
            return 1
        return min(max(self.memory_mb // TRAINING_MB, 1), MOST_TRAININGS)

    def __str__(self) -> str:
        major, minor = self.compute_capability
        return f"{self.name} (compute capability {major}.{minor})"


def parse_gpus(listing: str) -> list[Gpu]:
    """GPUs from the lines that nvidia-smi prints for QUERY.

    A GPU whose compute capability is unknown to the driver is skipped.
    """
    pattern = r"^(\d+), ([^,]+), (.*), (\d+)\.(\d+), ([^,\n]+), ([^,\n]+)$"
    return [
        Gpu(
            int(index),
            uuid,
            name,
            (int(major), int(minor)),
            int(memory) if memory.isdecimal() else 0,
            mode == "Default",
        )
        for index, uuid, name, major, minor, memory, mode in re.findall(
            pattern, listing, flags=re.MULTILINE
        )
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
            # The driver does not say which GPU a slice belongs to, nor its memory; assume that all
            # are of one kind.
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
    command = ["nvidia-smi", f"--query-gpu={QUERY}", "--format=csv,noheader,nounits"]
    try:
        # Unchecked: if one of several GPUs is lost, nvidia-smi fails but lists the others.
        answer = subprocess.run(command, capture_output=True, timeout=DRIVER_SECONDS, check=False)
    except (OSError, subprocess.SubprocessError):
        return []
    return visible(parse_gpus(answer.stdout.decode(errors="replace")), os.environ)


def has_cuda_build(engine: str) -> bool:
    """Whether the installed framework of this engine is a CUDA build."""
    if engine == "mxnet":
        # By their folders' names: the metadata of all installed packages take 0.2 s to read.
        return any(any(Path(folder).glob("mxnet_cu*.dist-info")) for folder in sys.path)
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


def places_per_gpu(gpus: list[Gpu], asked: int | None) -> int:
    """The number of trainings that share each of `gpus`: `asked`, or by default by their memory."""
    return asked or min((gpu.trainings for gpu in gpus), default=1)


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
def claim(engine: str, n_gpus: int, n_places: int = 1, wait: bool = True) -> Iterator[Gpu | None]:
    """Lock a place on a GPU and make it the only visible one; yield None for the CPU.

    Each GPU has `n_places`, for as many processes. Call it before the framework is imported.
    The operating system releases the lock when the process ends, even if it is killed. While other
    trainings hold all places, this one waits; without `wait` it raises UserError.

    Raises UserError if no GPU can be used.
    """
    if n_gpus == 0:
        yield None
        return
    gpus = {gpu.uuid: gpu for gpu in usable_gpus(engine)}
    with gpu_locks.locked([*gpus], n_places, wait) as uuid:
        os.environ["CUDA_VISIBLE_DEVICES"] = uuid
        yield gpus[uuid]
