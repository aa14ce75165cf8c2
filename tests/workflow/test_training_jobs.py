"""What a training job trains, and how many jobs share a GPU."""

import re
import shutil

import pytest

from tests.pretended_gpus import AMPERE
from tests.runs import DATA, VARIANTS, Workflow, finished

ALL = "folds_per_job=all"
# In place of steps/train.py: takes a GPU for a second, and notes the time.
STAND_IN = """
import os, sys, time
from pathlib import Path
from workflow_scripts.devices import gpus

def after(option):
    return sys.argv[sys.argv.index(option) + 1]

with gpus.claim("mxnet", int(after("--gpus")), int(after("--trainings-per-gpu"))):
    started = time.monotonic()
    time.sleep(1)
    with open("times.txt", "a") as file:
        print(os.environ["CUDA_VISIBLE_DEVICES"], started, time.monotonic(), file=file)
for option in ("--weights", "--history", "--fit"):
    Path(after(option)).write_text("trained")
"""


def trained(results):
    """The bytes of the files of all models that do not depend on the time."""
    names = ("weights.npz", "history.csv")
    return {
        path: path.read_bytes() for name in names for path in results.glob(f"models/*/*/{name}")
    }


class TestFoldsPerJob:
    @pytest.mark.endurance
    def test_finished_results_stay_valid_in_both_directions(self, again):
        """Only the row that starts from others has other inputs, and it is not trained again."""
        before = trained(again.results)
        assert again.plan(ALL) == {"train": 1, "evaluate": 1, "tabulate": 1}
        output = again.run(ALL, *("--until", "tabulate"))
        assert finished(output)["train"] == 1 and "timefrequency_init, 3 folds" in output
        assert trained(again.results) == before
        log = again.results / "logs/train/timefrequency_init/folds.log"
        assert log.read_text().count("continuing after epoch 2") == 3
        assert again.plan(ALL) == {}

    def test_one_job_trains_a_row_and_gives_the_same_models(self, again):
        before = trained(again.results)
        shutil.rmtree(again.results / "models")
        jobs = finished(again.run(ALL, "--", f"{DATA}/table1.csv"))
        assert jobs["train"] == len(VARIANTS)
        assert trained(again.results) == before

    def test_finished_trainings_are_still_not_replaced_silently(self, again):
        code, output = again.run(ALL, "seed=7", "--", f"{DATA}/table1.csv", check=False)
        assert code != 0 and "this run would replace 12 finished trainings" in output

    def test_added_seeds_have_jobs_of_their_own(self, again):
        jobs = again.plan(ALL, "seeds=[2016,7]")
        assert jobs["train"] == len(VARIANTS) + 1, "and the row that starts from others"


def limits(environment, workflow, *arguments):
    """The option --trainings-per-gpu of a training in a dry run."""
    target = "results/ballroom/models/time_1x60/fold-0/fit.json"
    output = workflow("-n", "--printshellcmds", *arguments, "--", target, environment=environment)
    return re.findall(r"--trainings-per-gpu (\d+)", output)


def test_trainings_per_gpu_is_asked_for_or_chosen_by_memory(workflow, fake_gpus):
    environment = fake_gpus(AMPERE)
    assert limits(environment, workflow) == ["4"]
    assert limits(environment, workflow, "--config", "trainings_per_gpu=7") == ["7"]
    assert limits(None, workflow) == ["1"]


def most_at_a_time(text):
    """The largest number of overlapping times in the lines of the stand-in."""
    spans = [tuple(map(float, line.split()[1:])) for line in text.splitlines()]
    return max(sum(a <= start < b for a, b in spans) for start, _ in spans)


@pytest.mark.timing
@pytest.mark.parametrize(
    ("arguments", "most"),
    [pytest.param((), 1, marks=pytest.mark.endurance), (("trainings_per_gpu=2",), 2)],
)
def test_resources_gpu_1_runs_as_many_trainings_as_share_a_gpu(again, fake_gpus, arguments, most):
    folder = again.folder / "workflow"
    (folder / "workflow_scripts/steps/train.py").write_text(STAND_IN)
    targets = [f"{DATA}/models/time_1x60/fold-{fold}/fit.json" for fold in range(3)]
    # A GPU too small to be shared by default.
    small = AMPERE.__class__(0, "GPU-1", "GPU", (8, 6), 2000)
    run = Workflow.at(folder)
    run(
        *("--cores", 3, "--resources", "gpu=1", *again.arguments, *arguments, "--", *targets),
        environment=fake_gpus(small),
    )
    times = (folder / "times.txt").read_text()
    assert len(times.splitlines()) == 3 and most_at_a_time(times) == most
