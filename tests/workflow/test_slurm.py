"""The workflow on a real SLURM cluster: requested resources, a time limit, a failed job.

`make test-slurm` starts a cluster of one node and runs these tests in it.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.conftest import only
from tests.runs import UP_TO_THE_TABLE, Workflow, finished

pytestmark = pytest.mark.slurm

EPOCHS = 60
TINY = {
    "name": "tiny",
    "dataset": "demo",
    "shards": 2,
    "folds": 3,
    "training": {"max_epochs": 2},
    "variants": only(time_1x60={"training": {"max_epochs": EPOCHS}}),
}
RESULTS = "results/tiny"
STOPPED = "time_1x60/fold-0"
# Different from the values in the rules, so that a test fails if those are used.
RESOURCES = [
    *("extract_mel:mem_mb=700", "extract_mel:runtime=21"),
    *("train:mem_mb=1300", "train:runtime=17"),
    *("evaluate:mem_mb=1100", "evaluate:runtime=13"),
]
# The node has two cores, so a SLURM job runs two jobs in parallel.
SMALL = ("--group-components", "extraction=2", "evaluation=2", "onsets=2", "tempi=2")
# The cluster has no other users, so check the status of a job early.
QUICK = ("--slurm-init-seconds-before-status-checks", "2")
ON_SLURM = ("--profile", "profiles/slurm", "--configfile", "tiny.yaml", *SMALL, *QUICK)


def slurm(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def jobs():
    """The fields of `scontrol show job` for each recent job, oldest first."""
    lines = slurm("scontrol", "show", "job", "--oneliner").splitlines()
    return [dict(re.findall(r"(\S+?)=(\S*)", line)) for line in lines]


def wait_for(condition, process):
    """Wait until condition() returns something, and return that; fail if the process ends."""
    deadline = time.monotonic() + 180
    while not (result := condition()):
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.05)
    return result


def training_process(model):
    """The process id of the training of this model, None before its third epoch."""
    log = model.parents[2] / "logs/train" / model.relative_to(model.parents[1]).with_suffix(".log")
    if not (log.exists() and "epoch 3:" in log.read_text()):
        return None
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        words = path.read_text().split("\0") if path.exists() else []
        if (
            "workflow_scripts.steps.train" in words
            and f"{RESULTS}/models/{STOPPED}/checkpoint" in words
        ):
            return int(path.parent.name)
    return None


@dataclass
class Run:
    """A finished run in which one training, with this `environment`, reached its time limit."""

    workflow: Workflow
    output: str
    jobs: list[dict[str, str]]
    environment: dict[str, str]

    def of(self, rule):
        """The jobs of a rule or group."""
        return [job for job in self.jobs if job["Comment"].startswith(f"rule_{rule}")]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """See `Run`."""
    workflow = Workflow(tmp_path_factory.mktemp("slurm") / "workflow")
    (workflow.folder / "tiny.yaml").write_text(yaml.safe_dump(TINY))
    log = workflow.folder.parent / "output.txt"
    with log.open("w") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "snakemake", *ON_SLURM, *UP_TO_THE_TABLE),
                *("--set-resources", *RESOURCES),
            ],
            cwd=workflow.folder,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        model = workflow.folder / RESULTS / "models" / STOPPED
        training = wait_for(lambda: training_process(model), process)
        # SLURM checks time limits only twice a minute; the training must not end before.
        os.kill(training, signal.SIGSTOP)
        environment = Path(f"/proc/{training}/environ").read_text().split("\0")
        environment = dict(pair.split("=", 1) for pair in environment if "=" in pair)
        job_id = environment["SLURM_JOB_ID"]
        slurm("scontrol", "update", f"JobId={job_id}", "EndTime=now+1")
        wait_for(lambda: slurm("squeue", "-h", "-o", "%T", "-j", job_id) != "RUNNING\n", process)
        os.kill(training, signal.SIGCONT)
        assert process.wait(240) == 0
    except BaseException:
        print(log.read_text())
        raise
    finally:
        process.terminate()
        process.wait()
    return Run(workflow, log.read_text(), jobs(), environment)


def test_the_run_writes_table_1(run):
    assert "Table I is in results/tiny/table1.csv" in run.output
    table = pd.read_csv(run.workflow.folder / RESULTS / "table1.csv")
    assert table["variant"].tolist() == ["time_1x60"]
    assert table["n_folds"].tolist() == [3]


def test_short_jobs_are_grouped_or_run_locally(run):
    rules = [re.sub(r"_wildcards_.*", "", job["Comment"]) for job in run.jobs]
    shards = ["rule_extraction_extract_mel", "rule_tempi_detect_tempo"]
    assert sorted(rule for rule in rules if rule in shards) == shards, "one job for both shards"
    assert rules[-1] == "rule_evaluation_evaluate"
    assert set(rules[:-1]) == {"rule_train", *shards}
    assert finished(run.output)["extract_mel"] == 2


def test_jobs_request_the_resources_of_their_rules(run):
    def requested(job):
        return job["TimeLimit"], job["NumCPUs"], re.search(r"mem=(\w+)", job["TRES"])[1]

    # Two shards in parallel.
    assert [requested(job) for job in run.of("extraction")] == [("00:21:00", "2", "1400M")]
    assert [requested(job) for job in run.of("evaluation")] == [("00:13:00", "1", "1100M")]
    undisturbed = [job for job in run.of("train") if job["JobState"] == "COMPLETED"]
    assert [requested(job) for job in undisturbed] == [("00:17:00", "1", "1300M")] * 3


def test_only_trainings_request_a_gpu_each_with_one_option(run):
    for job in run.jobs:
        requested = {
            name: value for name, value in job.items() if "gpu" in value and name != "TRES"
        }
        training = job in run.of("train")
        assert requested == ({"TresPerJob": "gres:gpu:1"} if training else {})


def test_a_granted_gpu_that_the_engine_cannot_use_is_noted(run):
    assert run.environment["CUDA_VISIBLE_DEVICES"] in ("0", "1")
    assert run.output.count("Training on the CPU: the installed mxnet is a build without CUDA") == 1
    for fold in range(3):
        log = run.workflow.folder / RESULTS / f"logs/train/time_1x60/fold-{fold}.log"
        assert re.match(
            r"note: training on the CPU; the GPU granted \(CUDA_VISIBLE_DEVICES=[01]\) stays idle: "
            r"the installed mxnet is a build without CUDA\n",
            log.read_text(),
        )


def test_logs_and_benchmarks_are_beside_what_the_jobs_make(run):
    results = run.workflow.folder / RESULTS
    logs = {str(path.relative_to(results / "logs")) for path in results.glob("logs/**/*.log")}
    trainings = {f"train/time_1x60/fold-{fold}.log" for fold in range(3)}
    assert trainings | {"evaluate/time_1x60.log"} <= logs
    shared = run.workflow.folder / "data/features"
    assert len(list(shared.glob("*/*/logs/extract_mel/shard-0.log"))) == 1
    assert len(list(results.glob("benchmarks/train/time_1x60/*.tsv"))) == 3


def test_a_training_over_its_time_limit_continues_to_the_same_bits(run):
    first, second = (job for job in run.of("train") if job["Comment"].endswith("time_1x60_0"))
    assert (first["JobState"], first["JobId"]) == ("TIMEOUT", run.environment["SLURM_JOB_ID"])
    assert second["JobState"] == "COMPLETED"
    assert run.output.count("Trying to restart job") == 1
    folder = run.workflow.folder / RESULTS
    log = (folder / "logs/train" / f"{STOPPED}.log").read_text()
    epochs = [int(number) for number in re.findall(r"^epoch (\d+):", log, flags=re.MULTILINE)]
    assert f"continuing after epoch {epochs[0] - 1}\n" in log
    assert epochs[0] > 3 and epochs[-1] == EPOCHS

    model, resumed = folder / "models" / STOPPED, folder / "resumed"
    assert {"weights.npz", "history.csv", "fit.json"} <= {path.name for path in model.iterdir()}
    shutil.move(model, resumed)
    target = f"{RESULTS}/models/{STOPPED}/weights.npz"
    local = run.workflow(target, "--configfile", "tiny.yaml")
    assert finished(local) == {"train": 1}, "the other files of the cluster are up to date"
    for name in ("weights.npz", "history.csv"):
        assert (model / name).read_bytes() == (resumed / name).read_bytes()
    assert len(pd.read_csv(model / "history.csv")) == EPOCHS
    assert json.loads((model / "fit.json").read_text())["device"] == "cpu"


def test_the_error_of_a_failed_job_is_in_the_output(run):
    config = TINY | {"variants": only(frequency_30x1={"training": {"batch_size": 1000}})}
    (run.workflow.folder / "tiny.yaml").write_text(yaml.safe_dump(config))
    target = f"{RESULTS}/models/frequency_30x1/fold-0/weights.npz"
    code, output = run.workflow(target, *ON_SLURM, "--retries", "0", check=False)
    assert code == 1
    assert "training segments, fewer than one batch of 1000; lower training" in output
    assert "Traceback" not in output
    assert jobs()[-1]["JobState"] == "FAILED"
