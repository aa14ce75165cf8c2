"""Shared by the tests: tiers, configuration, small data sets, a finished run."""

import os

# As `loaded_mxnet` does, but before the first import of a library with OpenMP, such as PyTorch:
# MXNet would take its number of threads, and other numbers of threads round differently.
os.environ["OMP_NUM_THREADS"] = "1"

import shutil
import wave
from copy import deepcopy
from functools import cache, partial

import numpy as np
import pytest
import yaml

from tests import one_node_slurm
from tests.pretended_gpus import pretend
from tests.processes import ROOT
from tests.runs import SMOKE, Again, Workflow, made_once
from workflow_scripts.audio.parameters import PAPERS
from workflow_scripts.dataset.features import FeatureFiles
from workflow_scripts.networks.architecture import Network
from workflow_scripts.workflow import configuration

# Tests with these fixtures run Snakemake.
RUNS = {"workflow", "done", "again"}
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


def short_network(trunks, bands=40, frames=80, hidden=0, n_classes=8):
    """A network with one convolution and one pool a trunk: (filter, pool, filters) by name."""
    keys = ("filter", "pool", "n_filters")
    trunks = {name: dict(zip(keys, trunk, strict=True)) for name, trunk in trunks.items()}
    description = {"input_frames": frames, "trunks": trunks, "hidden": hidden}
    return Network.from_config(description, bands, n_classes)


def biased_weights(network, seed=1):
    """Initial weights with nonzero biases, so that tests cover them."""
    rng = np.random.default_rng(seed)
    weights = network.initial_weights(rng)
    for name in weights:
        if name.endswith(("bias", "offset", "mean")):
            weights[name] = rng.normal(0, 0.1, weights[name].shape).astype(np.float32)
        if name.endswith(("scale", "variance")):
            weights[name] = rng.uniform(0.5, 2, weights[name].shape).astype(np.float32)
    return weights


def feature_files(shards):
    """The feature files with these .npy shards and the .csv indices beside them."""
    return FeatureFiles(shards, [npy.with_suffix(".csv") for npy in shards], PAPERS)


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


@pytest.fixture
def workflow(tmp_path):
    """See `Workflow`."""
    return Workflow(tmp_path / "workflow")


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


@pytest.fixture
def again(done, tmp_path):
    """See `Again`."""
    home, _, smoke = done
    shutil.copytree(home, tmp_path / "home")
    return Again(tmp_path / "home", smoke)


@pytest.fixture
def fake_gpus(tmp_path):
    """See `pretend`."""
    return partial(pretend, tmp_path)
