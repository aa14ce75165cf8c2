"""Shared by the tests: configuration, small data sets, runs of the workflow."""

import hashlib
import os
import re
import shutil
import signal
import time
import wave
from collections import Counter
from copy import deepcopy
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import yaml
from filelock import FileLock

from tests import one_node_slurm, processes
from tests.processes import ROOT
from workflow_scripts.dataset import shards
from workflow_scripts.dataset.features import FeatureFiles
from workflow_scripts.networks.architecture import Network
from workflow_scripts.workflow import configuration

SMOKE = ("--configfile", "presets/smoke.yaml", "--config", "dataset=folder", "audio_dir=../audio")
DATA = "results/smoke"
# Tests with these fixtures run Snakemake.
RUNS = {"workflow", "done", "again"}
# The rules after the table take longer than all before it.
UP_TO_THE_TABLE = ("--until", "tabulate")
VARIANTS = ["time_1x60", "frequency_32x1", "timefrequency", "timefrequency_init"]
# The shared run omits the black-box, which trains longest. With its tiny learning rate,
# timefrequency_init keeps its initial weights.
OVERLAID = (
    "  blackbox_12x8: null\n"
    "  timefrequency_init: {training: {learning_rate: 1.0e-12, min_learning_rate: 0}}\n"
)


def pytest_addoption(parser):
    parser.addoption("--kills", type=int, default=2, help="number of times a training is killed")
    parser.addoption("--rounds", type=int, default=1, help="number of runs killed at random times")
    parser.addoption("--kill-within", type=float, default=15, help="seconds until such a kill")


def pytest_collection_modifyitems(items):
    for item in items:
        if item.get_closest_marker("slurm") and one_node_slurm.VARIABLE not in os.environ:
            item.add_marker(pytest.mark.skip(reason="needs a SLURM cluster: make test-slurm"))
        if not any(map(item.get_closest_marker, ("endurance", "slurm"))):
            runs = item.get_closest_marker("workflow") or RUNS & {*item.fixturenames}
            item.add_marker("workflow" if runs else "unit")
    # One worker builds the shared run with these; the other starts with the unit tests.
    items.sort(key=lambda item: "done" not in item.fixturenames)


@pytest.fixture
def kills(request):
    """How many times the tests of interruption kill a training."""
    return request.config.getoption("--kills")


def overlay(config, update):
    """Update `config` in place as Snakemake does with --configfile, and return it."""
    for key, value in update.items():
        if isinstance(value, dict) and isinstance(config.get(key), dict):
            overlay(config[key], value)
        else:
            config[key] = value
    return config


@cache
def _read(file):
    return yaml.safe_load((ROOT / file).read_text())


def shipped_config(preset=None):
    """config.yaml, updated with a preset, unchecked."""
    config = deepcopy(_read("config.yaml"))
    if preset is not None:
        overlay(config, deepcopy(_read(f"presets/{preset}.yaml")))
    return config


def only(**kept):
    """Variants of an overlay that removes all of config.yaml except `kept` (name: changes)."""
    return dict.fromkeys(shipped_config()["variants"]) | kept


@cache
def _variants():
    config = shipped_config()
    configuration.complete(config, ROOT / "config.yaml")
    return config["variants"]


def network_of(variant, n_classes=8):
    """A network of the shipped configuration."""
    return Network.from_config(deepcopy(_variants()[variant]), 40, n_classes)


def biased_weights(network, seed=1):
    """Initial weights with nonzero biases, so that tests cover them."""
    rng = np.random.default_rng(seed)
    weights = network.initial_weights(rng)
    for name in weights:
        if name.endswith("bias"):
            weights[name] = rng.normal(0, 0.1, weights[name].shape).astype(np.float32)
    return weights


def feature_files(shards):
    """The feature files with these .npy shards and the .csv indices beside them."""
    return FeatureFiles(shards, [npy.with_suffix(".csv") for npy in shards])


def relative_error(values, oracle):
    """max |a - b| / max |b|."""
    return np.abs(values - oracle).max() / np.abs(oracle).max()


def write_wav(path, signal, rate=44100):
    """Write float samples in -1 ... 1, shape (samples,) or (samples, channels), as 16-bit PCM."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1 if signal.ndim == 1 else signal.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((signal * 32767).astype("<i2").tobytes())


def clicks(rng, tempo, seconds):
    """Noise bursts at a tempo (BPM) over weak noise, float (samples,): an easy class."""
    n = int(44100 * seconds)
    phase = (np.arange(n) / 44100 * tempo / 60 + rng.random()) % 1
    burst = rng.standard_normal(n) * np.exp(-phase * 60 / tempo / 0.03)
    return np.clip(0.2 * burst + 0.002 * rng.standard_normal(n), -1, 1)


def write_classes(folder):
    """Write three classes of four tracks of 8 s, with tempi beside them; return the folder."""
    rng = np.random.default_rng(0)
    for label, tempo in {"slow": 70, "middle": 110, "fast": 170}.items():
        for number in range(4):
            path = folder / label / f"{label} {number}.wav"
            write_wav(path, clicks(rng, tempo + number, 8))
            path.with_suffix(".bpm").write_text(f"{tempo + number}\n")
    return folder


@pytest.fixture
def audio(tmp_path):
    """See `write_classes`."""
    return write_classes(tmp_path / "audio")


class Workflow:
    """A clean copy of the workflow in a folder."""

    def __init__(self, folder):
        self.folder = folder
        ignored = shutil.ignore_patterns(
            ".git", ".venv", ".snakemake", "data", "results", "tests", "__pycache__", ".*_cache"
        )
        # Packages may have these names too, so ignore them only at the top.
        shutil.copytree(
            ROOT, folder, ignore=lambda d, names: ignored(d, names) if Path(d) == ROOT else set()
        )

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


@pytest.fixture
def workflow(tmp_path):
    """See `Workflow`."""
    return Workflow(tmp_path / "workflow")


def finished(output):
    """Number of finished jobs of each rule in the output of a run."""
    return Counter(re.findall(r"Finished jobid: \d+ \(Rule: (\w+)\)", output))


def planned(output):
    """Number of planned jobs of each rule in the output of a dry run."""
    rows = re.findall(r"^(\w+) +(\d+)$", output, flags=re.MULTILINE)
    return {rule: int(count) for rule, count in rows if rule != "total"}


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
            # What failed for another worker fails here too.
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            complete.touch()
    return folder


@pytest.fixture(scope="session")
def done(tmp_path_factory):
    """A folder with audio and a finished workflow, the output, and the arguments of the run.

    Its folder `observed` records the files that the steps opened, see tests/observed. Tests must
    not change it: `again` is a copy.
    """
    arguments = (SMOKE[0], SMOKE[1], "../own.yaml", *SMOKE[2:])

    def make(home):
        (home / "observed").mkdir()
        write_classes(home / "audio")
        (home / "own.yaml").write_text(f"variants:\n{OVERLAID}")
        workflow = Workflow(home / "workflow")
        observed = {"PYTHONPATH": str(ROOT / "tests/observed"), "OBSERVED": str(home / "observed")}
        output = workflow("--resources", "gpu=1", *arguments, environment=observed)
        (home / "output.txt").write_text(output)

    home = made_once(tmp_path_factory, "done", make)
    return home, (home / "output.txt").read_text(), arguments


class Again:
    """A copy of a finished workflow and its audio, to change and run again."""

    def __init__(self, folder, arguments):
        self.folder, self.arguments = folder, arguments
        self.results = folder / "workflow" / DATA
        self.own = folder / "own.yaml"

    def data(self, *arguments):
        """Run all before the first training; return the number of jobs of each rule.

        `plan` then counts the jobs that follow as exactly as a run does. `decoded` is the number
        of decoded files by shard.
        """
        logs = [*self.results.glob("logs/extract_mel/*.log")]
        before = {log: log.stat().st_mtime_ns for log in logs}
        jobs = finished(self.run(*arguments, "--until", "fit_scaler", "detect_tempo"))
        self.decoded = {
            log.stem: int(re.search(r"analysed (\d+) files", log.read_text())[1])
            for log in self.results.glob("logs/extract_mel/*.log")
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

    def one_endless_training(self, variant, max_epochs=100_000):
        """The arguments of a run that trains fold 0 of a variant from its first epoch on."""
        # Other settings of the same training would continue it.
        shutil.rmtree(self.results / "models" / variant / "fold-0")
        self.set_training(max_epochs=max_epochs, min_learning_rate=0)
        return ("--", f"{DATA}/models/{variant}/fold-0/fit.json")

    def shard_of(self, path):
        """The shard of a file's content, and the number of contents in it."""
        shard = shards.shard_of(hashlib.sha256(path.read_bytes()).hexdigest(), 2)
        contents = (self.results / f"contents/shard-{shard}.txt").read_text().split()
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


@pytest.fixture
def again(done, tmp_path):
    """See `Again`."""
    home, _, smoke = done
    shutil.copytree(home, tmp_path / "home")
    return Again(tmp_path / "home", smoke)


def restore_sigint():
    """Restore the default of Ctrl-C, which shells disable for background jobs."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run_module(module, *arguments, folder=ROOT):
    """Run a step as its rule does, or a command; return (exit code, output)."""
    return processes.run(f"workflow_scripts.{module}", *arguments, folder=folder)
