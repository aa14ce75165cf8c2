"""Cluster support as far as a machine without a cluster can test it."""

import os
import re
import subprocess
import sys

import pytest
import yaml

from tests.conftest import ROOT
from tests.runs import SMOKE, finished, planned

PLUGINS = "make env CLUSTER=1 installs Snakemake's executors for clusters"


@pytest.fixture
def executors():
    """Skip the test if Snakemake's executors for clusters are not installed."""
    pytest.importorskip("snakemake_executor_plugin_slurm", reason=PLUGINS)
    pytest.importorskip("snakemake_executor_plugin_cluster_generic", reason=PLUGINS)


def settings(profile):
    return yaml.safe_load((ROOT / f"profiles/{profile}/config.yaml").read_text())


def test_the_slurm_profile_extends_the_default_profile(executors, workflow):
    output = workflow("--profile", "profiles/slurm", "--dry-run")
    assert planned(output)["train"] == 120
    assert "Using profiles profiles/slurm and workflow specific profile profiles/default" in output
    # For a shared key Snakemake would use the value of the default profile.
    assert not settings("slurm").keys() & settings("default").keys()


def test_the_slurm_profile_names_existing_rules_and_does_not_set_gres(workflow):
    profile = settings("slurm")
    music = ("--snakefile", "label.smk", "--config", "model=README.md", "audio_dir=envs")
    rules = {*workflow("--list-rules").split(), *workflow("--list-rules", *music).split()}
    grouped = dict(entry.split("=") for entry in profile["groups"])
    assert grouped.keys() | profile["set-resources"].keys() <= rules
    assert {entry.split("=")[0] for entry in profile["group-components"]} == set(grouped.values())
    assert all("gres" not in requests for requests in profile["set-resources"].values())


# Like `qsub -terse`, but runs the job at once.
QSUB = """#!/bin/sh
echo "$*" >>submitted.txt
for script; do :; done
sh "$script" >>output.txt 2>&1 &
echo $$
"""


@pytest.mark.endurance
@pytest.mark.parametrize(
    ("folds_per_job", "titles"),
    [("one", [f"fold {fold}" for fold in range(3)]), ("all", ["3 folds"])],
)
def test_jobs_are_submitted_with_the_command_of_another_scheduler(
    executors, workflow, audio, tmp_path, folds_per_job, titles
):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/qsub").write_text(QSUB)
    (tmp_path / "bin/qsub").chmod(0o755)
    output = workflow(
        *("--profile", "profiles/slurm", "--executor", "cluster-generic"),
        *("--cluster-generic-submit-cmd", "qsub -terse -l h_vmem={resources.mem_mb}M"),
        *("--seconds-between-status-checks", "1"),
        *("results/smoke/predictions/time_1x60/fold-0.csv", "--resources", "gpu=0", *SMOKE),
        f"folds_per_job={folds_per_job}",
        environment={"PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"},
    )
    n = len(titles)
    assert finished(output)["train"] == n
    submitted = (workflow.folder / "submitted.txt").read_text().splitlines()
    rules = [re.search(r"/snakejob\.([a-z_]+)\.", line)[1] for line in submitted]
    # list_tracks reads all audio, which may take long, so it does not run locally.
    preparation = ["list_tracks", "extraction_extract_mel", "find_replicas"]
    assert rules == [*preparation, *["train"] * n, "evaluation_evaluate"]
    assert all(re.match(r"-terse -l h_vmem=\d+M /", line) for line in submitted)
    # Whose queue nobody knows.
    assert all(f"\nTrain time_1x60, {title}\n" in output for title in titles)
    assert "of the work" not in output


def test_the_test_cluster_does_not_start_on_a_machine_of_another_cluster():
    done = subprocess.run(
        [sys.executable, "-m", "tests.one_node_slurm", "true"],
        cwd=ROOT,
        env=os.environ | {"SLURM_CONF": "/etc/slurm/slurm.conf"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr == (
        "error: this machine belongs to a SLURM cluster; run the tests on another machine\n"
    )
