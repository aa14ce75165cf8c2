"""Run a command with a real SLURM cluster of one node: `make test-slurm`.

    python -m tests.one_node_slurm COMMAND...

Requires root, as slurmd does. Installs missing packages of Debian or Ubuntu. All state, including
keys and sockets, is in a temporary folder, and the ports are free ones.
"""

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

PROGRAMS = ("slurmctld", "slurmd", "sbatch", "munged")
PACKAGES = ("slurm-wlm", "munge")
# Set for the tests while this cluster runs.
VARIABLE = "ONE_NODE_SLURM"
START_SECONDS = 30
STOP_SECONDS = 10
# Two GPUs, so that two trainings run in parallel. SLURM only checks that these files exist.
GPU_FILES = ("/dev/null", "/dev/zero")

SLURM_CONF = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
# No cgroups, systemd or database, which containers do not have.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=2,batch_sched_delay=0
ReturnToService=2
GresTypes=gpu
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory_mb} Gres=gpu:{n_gpus}
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def stop(message: str) -> None:
    """Exit with an error message."""
    sys.exit(f"error: {message}")


def running() -> set[str]:
    """The names of all processes on this machine."""
    names = set()
    for path in Path("/proc").glob("[0-9]*/comm"):
        # A process may have ended.
        with suppress(OSError):
            names.add(path.read_text().strip())
    return names


def check() -> None:
    """Exit if this machine belongs to a SLURM cluster, or this process lacks root."""
    if running() & {"slurmctld", "slurmd"} or "SLURM_CONF" in os.environ:
        stop("this machine belongs to a SLURM cluster; run the tests on another machine")
    if os.getuid() != 0:
        stop("slurmd requires root; use sudo or a container")


def install() -> None:
    """Install missing programs."""
    if all(map(shutil.which, PROGRAMS)):
        return
    if not shutil.which("apt-get"):
        stop(
            f"{', '.join(PROGRAMS)} are required, and there is no apt-get to install them; "
            "install SLURM"
        )
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    options = ["--quiet=2", "--yes", "--no-install-recommends"]
    for command in (["update", "--quiet=2"], ["install", *options, *PACKAGES]):
        subprocess.run(["apt-get", *command], env=quiet, stdout=subprocess.DEVNULL, check=True)


def free_port() -> int:
    """A free TCP port."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


def configure(folder: Path) -> None:
    """Write the configuration and the key into `folder`."""
    version = subprocess.run(["slurmd", "-V"], capture_output=True, text=True, check=True).stdout
    year, month = map(int, re.findall(r"\d+", version)[:2])
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    text = SLURM_CONF.format(
        folder=folder,
        host=socket.gethostname().partition(".")[0],
        controller_port=free_port(),
        node_port=free_port(),
        cpus=os.cpu_count(),
        memory_mb=memory * 9 // 10,
        n_gpus=len(GPU_FILES),
    )
    (folder / "slurm.conf").write_text(text)
    gpus = [f"Name=gpu File={path}\n" for path in GPU_FILES]
    (folder / "gres.conf").write_text("".join(gpus))
    # From 23.11 on SLURM uses cgroups even though no plugin above does.
    if (year, month) >= (23, 11):
        (folder / "cgroup.conf").write_text("CgroupPlugin=disabled\n")
    for name in ("state", "spool"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(secrets.token_bytes(128))


def offer_srun(folder: Path) -> None:
    """Put an srun with SLURM_CONF first on the PATH: the executor calls it without."""
    wrapper = folder / "bin" / "srun"
    wrapper.parent.mkdir()
    wrapper.write_text(
        f'#!/bin/sh\nSLURM_CONF={folder}/slurm.conf exec {shutil.which("srun")} "$@"\n'
    )
    wrapper.chmod(0o755)
    os.environ["PATH"] = f"{wrapper.parent}{os.pathsep}{os.environ['PATH']}"


@contextmanager
def daemon(folder: Path, *command: str) -> Iterator[None]:
    """Run a daemon in the foreground until the block ends."""
    with (folder / f"{command[0]}.out").open("w") as output:
        # A new session, so that Ctrl-C does not end the cluster before the tests.
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_idle(folder: Path) -> None:
    """Wait for the node; print the ends of the logs and exit if it does not start."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        state = subprocess.run(["sinfo", "-h", "-o", "%T"], capture_output=True, text=True)
        if state.stdout.strip() == "idle":
            return
        time.sleep(0.2)
    for log in sorted([*folder.glob("*.log"), *folder.glob("*.out")]):
        print(f"--- {log.name}", *log.read_text().splitlines()[-15:], sep="\n", file=sys.stderr)
    stop(f"the cluster has not started within {START_SECONDS} s")


def cancel_all() -> None:
    """Cancel all jobs and wait until they have ended."""
    subprocess.run(["scancel", "--user", "root"], capture_output=True)
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline:
        left = subprocess.run(["squeue", "-h"], capture_output=True, text=True).stdout
        if not left.strip():
            return
        time.sleep(0.2)


@contextmanager
def cluster() -> Iterator[None]:
    """Run the cluster until the block ends; set SLURM_CONF for SLURM's commands."""
    with tempfile.TemporaryDirectory(prefix="slurm-") as name:
        folder = Path(name)
        # munged requires a folder that all users can read.
        folder.chmod(0o755)
        configure(folder)
        os.environ[VARIABLE] = name
        os.environ["SLURM_CONF"] = str(folder / "slurm.conf")
        offer_srun(folder)
        munge = [
            *("munged", "--foreground", f"--socket={folder}/munge.socket"),
            *(f"--key-file={folder}/munge.key", f"--seed-file={folder}/munge.seed"),
            *(f"--pid-file={folder}/munged.pid", f"--log-file={folder}/munged.log"),
        ]
        with (
            daemon(folder, *munge),
            daemon(folder, "slurmctld", "-D"),
            daemon(folder, "slurmd", "-D"),
        ):
            wait_until_idle(folder)
            try:
                yield
            finally:
                cancel_all()


def run(command: list[str]) -> int:
    """Run a command to its end; return its exit code.

    A signal that ends this process interrupts the command instead. The cluster must run until the
    command has ended.
    """
    # A shell makes its background jobs ignore Ctrl-C, and the command would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(command, start_new_session=True)

    def interrupt(number: int, frame: FrameType | None) -> None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    return process.wait()


def main() -> None:
    """Run the command in a cluster; exit with its exit code."""
    check()
    install()
    with cluster():
        code = run(sys.argv[1:])
    sys.exit(code)


if __name__ == "__main__":
    main()
