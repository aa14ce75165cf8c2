"""What the tests share: configuration, small data sets, runs of the workflow."""

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import wave
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import yaml

from tests import one_node_slurm
from workflow_scripts.dataset import tracks
from workflow_scripts.dataset.features import FeatureFiles
from workflow_scripts.networks.architecture import Network
from workflow_scripts.workflow import configuration

ROOT = Path(__file__).parents[1]
SMOKE = ("--configfile", "presets/smoke.yaml", "--config", "dataset=folder", "audio_dir=../audio")
DATA = "results/smoke"
# What follows takes longer than all before.
UP_TO_THE_TABLE = ("--until", "tabulate")
# The shared run leaves out the black-box, which trains longest; so small a rate that a model is
# what it started from.
OVERLAID = (
    "  blackbox_12x8: null\n"
    "  timefrequency_init: {training: {learning_rate: 1.0e-12, min_learning_rate: 0}}\n"
)


def pytest_addoption(parser):
    parser.addoption("--kills", type=int, default=2, help="how often a training is killed")
    parser.addoption("--rounds", type=int, default=2, help="of a run killed at random moments")
    parser.addoption("--preset", default="smoke", help="of that run")


def pytest_collection_modifyitems(items):
    if one_node_slurm.VARIABLE in os.environ:
        return
    for item in items:
        if item.get_closest_marker("slurm"):
            item.add_marker(pytest.mark.skip(reason="needs a SLURM cluster: make test-slurm"))


@pytest.fixture
def kills(request):
    """How often the tests of interruption kill a training."""
    return request.config.getoption("--kills")


def overlay(config, update):
    """Lay `update` over `config` as Snakemake does with --configfile."""
    for key, value in update.items():
        if isinstance(value, dict) and isinstance(config.get(key), dict):
            overlay(config[key], value)
        else:
            config[key] = value
    return config


def shipped_config(preset=None):
    """config.yaml, with a preset laid over, before any check."""
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    if preset is not None:
        overlay(config, yaml.safe_load((ROOT / "presets" / f"{preset}.yaml").read_text()))
    return config


def only(**kept):
    """An overlay's variants: all of config.yaml left out but these, each with what it changes."""
    return dict.fromkeys(shipped_config()["variants"]) | kept


def network_of(variant, n_classes=8):
    """A network of the shipped configuration."""
    config = shipped_config()
    configuration.complete(config, ROOT / "config.yaml")
    return Network.from_config(config["variants"][variant], 40, n_classes)


def biased_weights(network, seed=1):
    """First weights with biases that are not zero, so that no term goes unseen."""
    rng = np.random.default_rng(seed)
    weights = network.initial_weights(rng)
    for name in weights:
        if name.endswith("bias"):
            weights[name] = rng.normal(0, 0.1, weights[name].shape).astype(np.float32)
    return weights


def feature_files(shards):
    """The feature files of these .npy shards, their indices beside them."""
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
    """Noise bursts at a tempo over a little noise: a track of a class one can learn."""
    n = int(44100 * seconds)
    phase = (np.arange(n) / 44100 * tempo / 60 + rng.random()) % 1
    burst = rng.standard_normal(n) * np.exp(-phase * 60 / tempo / 0.03)
    return np.clip(0.2 * burst + 0.002 * rng.standard_normal(n), -1, 1)


def write_classes(folder):
    """Three classes of four tracks of 8 s, the tempi beside them."""
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
    """A clean copy of the workflow in a folder of its own."""

    def __init__(self, folder):
        self.folder = folder
        ignored = shutil.ignore_patterns(
            ".git", ".venv", ".snakemake", "data", "results", "tests", "__pycache__", ".*_cache"
        )
        # `data` and `results` are also packages' names: only those at the top are left out.
        shutil.copytree(
            ROOT, folder, ignore=lambda d, names: ignored(d, names) if Path(d) == ROOT else set()
        )

    @classmethod
    def at(cls, folder):
        """The workflow that lies in `folder`."""
        workflow = cls.__new__(cls)
        workflow.folder = folder
        return workflow

    def __call__(self, *arguments, check=True, environment=None):
        """Run snakemake; returns the finished process with its output as text."""
        command = [sys.executable, "-m", "snakemake", "--cores", "2", *map(str, arguments)]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=os.environ | (environment or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
        )
        assert not check or done.returncode == 0, done.stdout
        return done.stdout if check else (done.returncode, done.stdout)


@pytest.fixture
def workflow(tmp_path):
    """See `Workflow`."""
    return Workflow(tmp_path / "workflow")


def finished(output):
    """How many jobs of each rule a run finished."""
    return Counter(re.findall(r"Finished jobid: \d+ \(Rule: (\w+)\)", output))


def planned(output):
    """How many jobs of each rule a dry run plans."""
    rows = re.findall(r"^(\w+) +(\d+)$", output, flags=re.MULTILINE)
    return {rule: int(count) for rule, count in rows}


@pytest.fixture(scope="session")
def done(tmp_path_factory):
    """A folder with audio and a workflow that has run on it.

    Its folder `observed` has what the steps opened, see tests/observed.
    """
    home = tmp_path_factory.mktemp("done")
    (home / "observed").mkdir()
    write_classes(home / "audio")
    own = home / "own.yaml"
    own.write_text(f"variants:\n{OVERLAID}")
    workflow = Workflow(home / "workflow")
    smoke = (SMOKE[0], SMOKE[1], "../own.yaml", *SMOKE[2:])
    observed = {"PYTHONPATH": str(ROOT / "tests/observed"), "OBSERVED": str(home / "observed")}
    output = workflow("--resources", "gpu=1", *smoke, environment=observed)
    return home, output, smoke


class Again:
    """A copy of a finished workflow and its audio, to change and run again."""

    def __init__(self, folder, arguments):
        self.folder, self._arguments = folder, arguments
        self.results = folder / "workflow" / DATA
        self.own = folder / "own.yaml"

    def __call__(self, *arguments):
        """Run up to Table I; returns how many jobs of each rule there were.

        `decoded` counts tracks by shard.
        """
        logs = [*self.results.glob("logs/extract_mel/*.log")]
        before = {log: log.stat().st_mtime_ns for log in logs}
        jobs = finished(self.run(*arguments, *UP_TO_THE_TABLE))
        self.decoded = {
            log.stem: int(re.search(r"decoded (\d+) tracks", log.read_text())[1])
            for log in self.results.glob("logs/extract_mel/*.log")
            if log.stat().st_mtime_ns != before.get(log)
        }
        return jobs

    def run(self, *arguments, check=True):
        """Run; returns what it said."""
        workflow = Workflow.at(self.folder / "workflow")
        return workflow(*self._arguments, *arguments, check=check)

    def plan(self, *arguments):
        """How many jobs of each rule a run up to Table I would have."""
        jobs = planned(self.run(*arguments, *UP_TO_THE_TABLE, "-n"))
        jobs.pop("total", None)
        return jobs

    def shard_of(self, path):
        """The shard of a file's content, and how many contents that shard holds now."""
        shard = tracks.shard_of(hashlib.sha256(path.read_bytes()).hexdigest(), 2)
        held = (self.results / f"contents/shard-{shard}.txt").read_text().split()
        return f"shard-{shard}", len(held)


@pytest.fixture
def again(done, tmp_path):
    """See `Again`."""
    home, _, smoke = done
    shutil.copytree(home, tmp_path / "home")
    return Again(tmp_path / "home", smoke)


def hear_interrupts():
    """Undo what a shell does to a job in the background: let it ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run_module(module, *arguments, folder=ROOT):
    """Run a step as its rule does, or a command; returns (exit code, output)."""
    command = [sys.executable, "-m", f"workflow_scripts.{module}", *map(str, arguments)]
    done = subprocess.run(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    return done.returncode, done.stdout
