"""What exceeds a limit is refused in a sentence, within a second and 500 MB; real models pass."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from tests import hostile_models
from tests.conftest import ROOT, network_of
from tests.model_files import written
from tests.networks.test_architecture import TABLE_1
from workflow_scripts.errors import UserError
from workflow_scripts.models import limits, package
from workflow_scripts.networks.architecture import Network, Trunk
from workflow_scripts.workflow import labelling_configuration

SECONDS, MEGABYTES = 1, 500
# Prints a line for each file: seconds of this process, its peak memory in megabytes, and the
# sentence, or nothing if the file is accepted.
REFUSE = """
import json, sys, time
from pathlib import Path
from workflow_scripts.errors import UserError
from workflow_scripts.models import package
from workflow_scripts.models.runtime import Ensemble
for path in sys.argv[1:]:
    started, sentence = time.process_time(), ""
    try:
        package.check(Path(path))
    except UserError as reason:
        sentence = str(reason)
    seconds = time.process_time() - started
    # Unlike ru_maxrss, this does not include the process that started this one.
    (peak,) = (s for s in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in s)
    print(json.dumps((seconds, int(peak.split()[1]) / 1024, sentence)), flush=True)
"""


@pytest.fixture(scope="module")
def refused(tmp_path_factory):
    """Seconds, megabytes and sentence of each hostile file, by what it is."""
    folder = tmp_path_factory.mktemp("hostile")
    paths = hostile_models.make(folder)
    done = subprocess.run(
        [sys.executable, "-c", REFUSE, *map(os.fspath, paths.values())],
        cwd=ROOT, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    shutil.rmtree(folder)
    lines = map(json.loads, done.stdout.splitlines())
    return dict(zip(paths, lines, strict=True))


@pytest.mark.parametrize("what", [*hostile_models.ONNX, *hostile_models.FILES])
def test_a_hostile_file_is_refused_at_once(refused, what):
    seconds, megabytes, sentence = refused[what]
    print(f"{what}: {seconds:.2f} s, {megabytes:.0f} MB: {sentence}")
    assert sentence.startswith(("the model ", "cannot read the model ")) and "\n" not in sentence
    assert ";" in sentence and len(sentence) < 400
    assert seconds < SECONDS and megabytes < MEGABYTES


def test_a_run_refuses_a_huge_file_before_it_computes_its_digest(tmp_path):
    model = hostile_models.write(tmp_path / "model.zip", [4 * hostile_models.GIB])
    config = {"model": model, "audio_dir": tmp_path}
    with pytest.raises(UserError, match="is larger than 4 GiB; use one made by `make model`"):
        labelling_configuration.complete(config)


@pytest.mark.parametrize("variant", TABLE_1)
def test_the_networks_of_the_paper_are_far_below_the_limits(variant):
    network = network_of(variant, 10)
    limits.check(network)
    assert 20 * network.n_parameters() < limits.MOST_PARAMETERS
    assert 900 * network.n_activations() < limits.MOST_VALUES
    # Ten folds of twelve networks.
    limits.check_operations(120 * limits.operations(network))


@pytest.mark.parametrize("hidden", [0, 200, 1000, 1500])
def test_a_larger_network_is_read(tmp_path, hidden):
    trunks = {"a": Trunk((8, 8), (4, 1), 64), "b": Trunk((32, 1), (1, 80), 64)}
    network = Network(trunks, 40, 80, hidden, 300)
    limits.check(network)
    if hidden <= 200:
        path = tmp_path / "model.onnx"
        path.write_bytes(written(network, classes=[f"class {n}" for n in range(300)]))
        package.check(path)


@pytest.mark.parametrize(
    ("network", "what"),
    [
        (Network({"t": Trunk((1, 1), (1, 1), 1)}, 40, 100_001, 0, 2), "100,001 input frames"),
        (Network({"t": Trunk((1, 1), (1, 1), 4097)}, 40, 1, 0, 2), "4,097 filters in trunk t"),
        (Network({"t": Trunk((40, 80), (1, 1), 1)}, 40, 80, 100_001, 2), "100,001 hidden units"),
        (Network({"t": Trunk((1, 1), (1, 1), 100)}, 40, 80, 5000, 2), "parameters"),
        (Network({"t": Trunk((1, 1), (40, 1), 4096)}, 40, 1000, 0, 2), "outputs"),
        (Network({"t": Trunk((1, 1), (1, 1), 1)}, 40, 1, 0, 21), "21 classes per input frame"),
        (Network({"t": Trunk((20, 500), (21, 501), 1000)}, 40, 1000, 0, 2), "operations"),
    ],
)  # fmt: skip
def test_each_limit_is_named(network, what):
    with pytest.raises(limits.TooLargeError, match=what):
        limits.check(network)
