"""The step estimate: schedules computed by hand, the pace of real steps, the command."""

import json
import re
import shutil

import pytest

from tests.conftest import network_of
from tests.runs import run_module
from workflow_scripts.networks import pace
from workflow_scripts.steps.estimate import makespan

NO_DONORS = {"a": set(), "b": set()}


@pytest.mark.parametrize(
    ("seconds", "donors", "n_folds", "n_workers", "end"),
    [
        ({"a": 3, "b": 2}, NO_DONORS, 1, 1, 5),
        ({"a": 3, "b": 2}, NO_DONORS, 1, 2, 3),
        ({"a": 3, "b": 2}, NO_DONORS, 2, 2, 5),
        ({"a": 3, "b": 2}, NO_DONORS, 10, 100, 3),
        # b starts when the same fold of a has ended.
        ({"a": 3, "b": 2}, {"a": set(), "b": {"a"}}, 1, 2, 5),
        ({"a": 3, "b": 2}, {"a": set(), "b": {"a"}}, 2, 1, 10),
        # The longest starts first.
        ({"a": 1, "b": 1, "c": 3}, {"a": set(), "b": set(), "c": set()}, 1, 2, 3),
    ],
)
def test_the_end_of_the_last_training(seconds, donors, n_folds, n_workers, end):
    assert makespan(seconds, donors, n_folds, n_workers) == end


@pytest.mark.timing
@pytest.mark.endurance
def test_a_larger_network_takes_longer():
    subjects = {
        name: pace.Subject(network_of(name), 10, 0.5) for name in ("frequency_40x1", "time_1x200")
    }
    ready, paces = pace.measure(subjects, "mxnet", 2, places_per_gpu=0)
    assert 0 < ready < 60
    assert 0 < paces["frequency_40x1"].step < paces["time_1x200"].step
    for measured in paces.values():
        assert 0 < measured.prediction < measured.step


def command(variants, *options):
    named = {"variants": json.dumps(variants), "n-folds": 10}
    arguments = [str(part) for name, value in named.items() for part in (f"--{name}", value)]
    return run_module("steps.estimate", *arguments, *options)


VARIANT = {
    "network": {
        "input_frames": 80,
        "trunks": {"time": {"filter": [1, 60], "pool": [40, 1], "n_filters": 32}},
        "hidden": 0,
        "init": {},
    },
    "training": {"batch_size": 10, "dropout": 0.5, "max_epochs": 2000},
}


@pytest.mark.workflow
def test_ballroom_can_be_estimated_before_it_is_downloaded():
    code, output = command({"mine": VARIANT}, "--cores", 16, "--n-seeds", 3)
    assert code == 0, output
    tracks = "Ballroom's 698 tracks (not downloaded; assumed to last 30 s each)"
    assert f"mxnet, 16 core(s), {tracks}, 10 folds of 3 seeds; " in output
    assert re.search(r"^mine +[0-9.]+ +2000 +[0-9.]+ (h|min) +[0-9.]+ (h|min)$", output, re.M)
    assert re.fullmatch(r"All 30 trainings take at most .+\.", output.splitlines()[-1])


@pytest.mark.workflow
def test_folds_of_one_job_are_trained_one_after_another():
    """With a core for each of ten folds, ten jobs take a tenth of the time of one."""
    hours = []
    for folds in (1, 10):
        code, output = command({"mine": VARIANT}, "--cores", 10, "--folds-per-job", folds)
        assert code == 0, output
        total = re.search(r"^All 10 trainings take at most ([0-9.]+) (h|min)\.$", output, re.M)
        hours.append(float(total[1]) / {"h": 1, "min": 60}[total[2]])
    # The two measurements differ by what else the machine does.
    assert 10 / 3 < hours[1] / hours[0] < 30


@pytest.mark.workflow
def test_a_missing_gpu_is_an_error():
    code, output = command({"mine": VARIANT}, "--cores", 2, "--gpus", 1)
    assert code == 1
    assert output.splitlines()[-1].startswith("error: the installed MXNet is a build without CUDA")
    assert "Traceback" not in output


@pytest.mark.workflow
@pytest.mark.endurance
def test_the_rule_estimates_the_users_folder_each_time(again):
    shutil.rmtree(again.results / "models")
    for _ in range(2):
        output = again.run("--resources", "gpu=1", "--", "estimate")
        assert "mxnet, 2 core(s), 12 tracks, 3 folds; " in output
        assert re.search(r"^timefrequency_init +[0-9.]+ +2 +\d+ s +\d+ s$", output, re.M)
        # The output ends with it.
        assert output.splitlines()[-1].startswith("All 12 trainings take at most ")
    assert not (again.results / "models").exists()
