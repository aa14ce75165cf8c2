"""What exceeds a limit is refused in a sentence, within a second and 500 MB; real models pass."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from tests import hostile_models
from tests.conftest import ROOT, network_of, short_network
from tests.model_files import PAPERS, SPEECH, described, metadata_of, written
from tests.networks.test_architecture import TABLE_1
from tests.runs import made_once
from workflow_scripts.dataset import class_names
from workflow_scripts.dataset.tracks import check_limited
from workflow_scripts.errors import UserError
from workflow_scripts.models import limits, package
from workflow_scripts.models.metadata import NotOurModelError
from workflow_scripts.workflow import labelling_configuration

SECONDS, MEGABYTES = 1, 500
RATE = PAPERS.frame_rate
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

    def make(folder):
        (folder / "files").mkdir()
        paths = hostile_models.make(folder / "files")
        done = subprocess.run(
            [sys.executable, "-c", REFUSE, *map(os.fspath, paths.values())],
            cwd=ROOT, capture_output=True, text=True, check=True, timeout=120,
        )  # fmt: skip
        shutil.rmtree(folder / "files")
        lines = map(json.loads, done.stdout.splitlines())
        (folder / "refused.json").write_text(json.dumps(dict(zip(paths, lines, strict=True))))

    return json.loads((made_once(tmp_path_factory, "hostile", make) / "refused.json").read_text())


@pytest.mark.parametrize("what", [*hostile_models.ONNX, *hostile_models.FILES])
def test_a_hostile_file_is_refused_at_once(refused, what):
    seconds, megabytes, sentence = refused[what]
    print(f"{what}: {seconds:.2f} s, {megabytes:.0f} MB: {sentence}")
    assert sentence.startswith(("the model ", "cannot read the model ")) and "\n" not in sentence
    assert ";" in sentence and len(sentence) < 400
    assert seconds < SECONDS and megabytes < MEGABYTES


def test_a_run_refuses_a_huge_file_before_it_computes_its_digest(tmp_path):
    model = hostile_models.write(tmp_path / "model.zip", [4 * hostile_models.GIB])
    config = {"model": str(model), "audio_dir": str(tmp_path)}
    with pytest.raises(UserError, match="is larger than 4 GiB; use one made by `make model`"):
        labelling_configuration.complete(config)


@pytest.mark.parametrize("variant", TABLE_1)
def test_the_networks_of_the_paper_are_far_below_the_limits(variant):
    network = network_of(variant, 10)
    limits.check(network, RATE)
    assert 20 * network.n_parameters() < limits.MOST_PARAMETERS
    assert 900 * network.n_activations() < limits.MOST_VALUES
    # Ten folds of twelve networks.
    limits.check_operations(120 * limits.operations(network, RATE))
    limits.check_parameters(120 * network.n_parameters())


@pytest.mark.parametrize("hidden", [0, 200, 1000, 1500])
def test_a_larger_network_is_read(tmp_path, hidden):
    trunks = {"a": ((8, 8), (4, 1), 64), "b": ((32, 1), (1, 80), 64)}
    network = short_network(trunks, 40, 80, hidden, 300)
    limits.check(network, RATE)
    if hidden <= 200:
        path = tmp_path / "model.onnx"
        path.write_bytes(written(network, classes=[f"class {n}" for n in range(300)]))
        package.check(path)


@pytest.mark.parametrize(
    ("network", "what"),
    [
        (short_network({"t": ((1, 1), (1, 1), 1)}, 40, 100_001, 0, 2), "100,001 input frames"),
        (short_network({"t": ((1, 1), (1, 1), 4097)}, 40, 1, 0, 2), "4,097 filters in t"),
        (short_network({"t": ((40, 80), (1, 1), 1)}, 40, 80, 100_001, 2), "100,001 units"),
        (short_network({"t": ((1, 1), (1, 1), 100)}, 40, 80, 5000, 2), "parameters"),
        (short_network({"t": ((1, 1), (40, 1), 4096)}, 40, 1000, 0, 2), "outputs"),
        (short_network({"t": ((1, 1), (1, 1), 1)}, 40, 1, 0, 301), "12,963 probabilities"),
        (short_network({"t": ((20, 500), (21, 501), 2500)}, 40, 1000, 0, 2), "operations"),
    ],
)  # fmt: skip
def test_each_limit_is_named(network, what):
    with pytest.raises(limits.TooLargeError, match=what):
        limits.check(network, RATE)


SINGLE_FRAME = short_network({"t": ((32, 1), (1, 1), 8)}, 40, 1, 0, 2)


@pytest.mark.parametrize(
    ("network", "remedy"),
    [
        (SINGLE_FRAME, "choose longer input_frames"),
        (replace(SINGLE_FRAME, frames=3), "choose longer input_frames"),
        (short_network({"t": ((20, 41), (1, 1), 500)}, 40, 80, 0, 2), "make it smaller"),
        (short_network({"t": ((20, 41), (1, 1), 1)}, 40, 80, 0, 2), None),
    ],
)
def test_the_most_classes_of_a_network_are_known_before_it_is_trained(network, remedy):
    """With one more it is refused, for another reason than MOST_CLASSES."""
    found = limits.limited_classes({"any": described(network)}, PAPERS)
    if remedy is None:
        assert not found
        limits.check(replace(network, n_classes=class_names.MOST_CLASSES), RATE)
        return
    most, advice = found["any"]
    limits.check(replace(network, n_classes=most), RATE)
    with pytest.raises(limits.TooLargeError) as reason:
        limits.check(replace(network, n_classes=most + 1), RATE)
    assert reason.value.remedy == advice == remedy


def test_the_limits_are_those_of_a_second_of_audio():
    """At 62.5 frames a second, a network of single frames keeps more than at 43."""
    network = {"any": described(SINGLE_FRAME)}
    (paper, _), (speech, _) = (
        limits.limited_classes(network, front_end)["any"] for front_end in (PAPERS, SPEECH)
    )
    assert (paper, speech) == (300, int(300 * PAPERS.frame_rate / SPEECH.frame_rate))
    wide = short_network({"t": ((20, 250), (1, 1), 250)}, 40, 500, 0, 2)
    limits.check(wide, 1)
    with pytest.raises(limits.TooLargeError, match="operations per second of audio"):
        limits.check(wide, 1 + limits.MOST_OPERATIONS / limits.operations(wide, 1))


def test_the_networks_of_the_paper_can_have_any_number_of_classes():
    networks = {name: described(network_of(name, 2)) for name in TABLE_1}
    assert not limits.limited_classes(networks, PAPERS)


def test_a_data_set_with_too_many_classes_for_a_network_is_refused_when_it_is_listed():
    limited = limits.limited_classes({"single": described(SINGLE_FRAME)}, PAPERS)
    check_limited(300, limited)
    with pytest.raises(UserError, match=r"301 classes, but the network variants.single can have at "
                       r"most 300; choose longer input_frames, or use fewer classes"):  # fmt: skip
        check_limited(301, limited)


def test_the_largest_valid_class_names_fit_in_a_model():
    """With the largest description of a network, and the longest other texts."""
    names = [f"{n:03}" + "\u0436" * 39 for n in range(1000)]
    assert class_names.problem(names) is None
    assert "bytes in JSON" in class_names.problem([name + "\u0436" for name in names])
    longest = "x" * 100
    trunks = {f"{longest[:98]}{n:02}": ((40, 80), (1, 1), 4096) for n in range(16)}
    about = metadata_of(short_network(trunks, 40, 80, 0, 1000), longest, classes=names)
    about.network["init"] = dict.fromkeys(trunks, longest)
    about = replace(about, dataset="x" * 255, architecture="\u0436" * 255)
    assert sum(len(k) + len(v) + 20 for k, v in about.texts().items()) < limits.LARGEST_METADATA


def test_variants_that_keep_many_probabilities_together_are_refused():
    classes = [f"class {n}" for n in range(300)]
    network = replace(SINGLE_FRAME, n_classes=300)
    files = [written(network, name, fold, classes) for name in "abc" for fold in range(2)]
    package.together(files)
    with pytest.raises(NotOurModelError, match=r"51,680 probabilities per second of audio"):
        package.together([*files, written(network, "d", classes=classes)])
