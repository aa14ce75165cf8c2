"""Runs of the workflow: copies of it, what their output says, runs to kill and to repeat."""

import hashlib
import os
import re
import shutil
import signal
import time
from collections import Counter
from pathlib import Path

import yaml
from filelock import FileLock

from tests import processes
from tests.processes import ROOT
from workflow_scripts.dataset import shards

SMOKE = ("--configfile", "presets/smoke.yaml", "--config", "dataset=folder", "audio_dir=../audio")
DATA = "results/smoke"
VARIANTS = ["time_1x60", "frequency_32x1", "timefrequency", "timefrequency_init"]
# The rules after the table take longer than all before it.
UP_TO_THE_TABLE = ("--until", "tabulate")


def shared_files(results, pattern):
    """The shared files of the only audio in a workflow with these results, such as "*/*.npy"."""
    return sorted((results.parents[1] / "data/features").glob(f"*/{pattern}"))


def made_once(tmp_path_factory, name, make):
    """The folder `name`, which `make(folder)` fills once for all workers of pytest.

    Tests must not change it.
    """
    base = tmp_path_factory.getbasetemp()
    # The workers' folders are in the folder of the whole run.
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    complete = folder.with_suffix(".complete")
    with FileLock(folder.with_suffix(".lock")):
        if not complete.exists():
            # Another worker may have failed halfway.
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            complete.touch()
    return folder


def run_module(module, *arguments, folder=ROOT):
    """Run a step as its rule does, or a command; return (exit code, output)."""
    return processes.run(f"workflow_scripts.{module}", *arguments, folder=folder)


def copy_of_checkout(folder, *left_out):
    """Copy this checkout without results, caches and `left_out` to a new folder; return that."""
    ignored = shutil.ignore_patterns(
        *(
            ".git",
            ".venv",
            ".snakemake",
            "comparisons",
            "data",
            "results",
            "__pycache__",
            ".*_cache",
            *left_out,
        )
    )
    # Packages may have these names too, so ignore them only at the top.
    return shutil.copytree(
        ROOT, folder, ignore=lambda d, names: ignored(d, names) if Path(d) == ROOT else set()
    )


class Workflow:
    """A clean copy of the workflow in a folder."""

    def __init__(self, folder):
        self.folder = copy_of_checkout(folder, "tests")

    @classmethod
    def at(cls, folder):
        """The workflow that is already in `folder`."""
        workflow = cls.__new__(cls)
        workflow.folder = folder
        return workflow

    def __call__(self, *arguments, check=True, environment=None):
        """Run snakemake; return its output, or (exit code, output) if not `check`."""
        code, output = processes.run(
            "snakemake",
            *("--cores", 2, *arguments),
            folder=self.folder,
            environment=environment,
        )
        assert not check or code == 0, output
        return output if check else (code, output)


def full_log(output):
    """What Snakemake itself says about a run: the log that the output of the run names."""
    logs = re.findall(r"^Complete log\(s\): (.+)$", output, flags=re.MULTILINE)
    return "\n".join(Path(log).read_text() for log in logs)


def finished(output):
    """Number of finished jobs of each rule in a run with this output."""
    return Counter(re.findall(r"Finished jobid: \d+ \(Rule: (\w+)\)", full_log(output)))


def planned(output):
    """Number of planned jobs of each rule in the output of a dry run."""
    rows = re.findall(r"^(\w+) +(\d+)$", output, flags=re.MULTILINE)
    return {rule: int(count) for rule, count in rows if rule != "total"}


class Again:
    """A copy of a finished workflow and its audio, to change and run again."""

    def __init__(self, folder, arguments):
        self.folder, self.arguments = folder, arguments
        self.results = folder / "workflow" / DATA
        self.own = folder / "own.yaml"

    @property
    def shared(self):
        """The folder of the shared features of the audio in two shards, F in the rules."""
        (folder,) = (self.folder / "workflow/data/features").glob("*-2")
        return folder

    @property
    def features(self):
        """The folder of the features of the only front end, E in the rules."""
        (npy,) = self.shared.glob("*/shard-0.npy")
        return npy.parent

    def data(self, *arguments):
        """Run all before the first training; return the number of jobs of each rule.

        `plan` then counts the jobs that follow as exactly as a run does. `decoded` is the number
        of decoded files by shard.
        """
        pattern = "*/logs/extract_mel/*.log"
        logs = shared_files(self.results, pattern)
        before = {log: log.stat().st_mtime_ns for log in logs}
        jobs = finished(self.run(*arguments, "--until", "fit_scaler", "detect_tempo"))
        self.decoded = {
            log.stem: int(re.search(r"analysed (\d+) files", log.read_text())[1])
            for log in shared_files(self.results, pattern)
            if log.stat().st_mtime_ns != before.get(log)
        }
        return jobs

    def run(self, *arguments, check=True):
        """Run; return the output, or (exit code, output) if not `check`."""
        workflow = Workflow.at(self.folder / "workflow")
        return workflow(*self.arguments, *arguments, check=check)

    def plan(self, *arguments):
        """Number of jobs of each rule that a run up to Table I would have."""
        return planned(self.run(*arguments, *UP_TO_THE_TABLE, "-n"))

    def set_training(self, **settings):
        """Set keys of `training` in the configuration."""
        self.own.write_text(f"{self.own.read_text()}{yaml.safe_dump({'training': settings})}")

    def one_long_training(self, variant, max_epochs=100_000):
        """The arguments of a run that trains fold 0 of a variant for a long time, anew."""
        # Other settings of the same training would continue it.
        shutil.rmtree(self.results / "models" / variant / "fold-0")
        self.set_training(max_epochs=max_epochs, min_learning_rate=0)
        return ("--", f"{DATA}/models/{variant}/fold-0/fit.json")

    def shard_of(self, path):
        """The shard of a file's content, and the number of contents in it."""
        shard = shards.shard_of(hashlib.sha256(path.read_bytes()).hexdigest(), 2)
        contents = (self.shared / f"contents/shard-{shard}.txt").read_text().split()
        return f"shard-{shard}", len(contents)


class Run:
    """A run of such a workflow that a test can kill."""

    def __init__(self, again, *arguments):
        self.log = again.folder / "run.log"
        self.process = processes.Process(
            *("snakemake", "--cores", 2, *again.arguments, *arguments),
            folder=again.folder / "workflow",
            output=self.log,
            leads_group=True,
        )

    def wait_for(self, file, pattern):
        """Wait until a line of `file` matches `pattern`."""
        deadline = time.monotonic() + 180
        while not (file.exists() and re.search(pattern, file.read_text(), flags=re.MULTILINE)):
            assert time.monotonic() < deadline and self.process.poll() is None, self.output()
            time.sleep(0.02)

    def kill_all(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def output(self):
        return self.log.read_text()
