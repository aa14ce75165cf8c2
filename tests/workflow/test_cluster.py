"""Clusters as far as a machine without one can show: profiles/slurm, other engines, mistakes."""

import os
import re
import subprocess
import sys

import pytest
import yaml

from tests.conftest import ROOT, SMOKE, finished, planned

PLUGINS = "make env CLUSTER=1 installs Snakemake's executors for clusters"


@pytest.fixture
def executors():
    """Skip where Snakemake's executors for clusters are not installed."""
    pytest.importorskip("snakemake_executor_plugin_slurm", reason=PLUGINS)
    pytest.importorskip("snakemake_executor_plugin_cluster_generic", reason=PLUGINS)


def settings(profile):
    return yaml.safe_load((ROOT / f"profiles/{profile}/config.yaml").read_text())


def test_the_slurm_profile_adds_to_the_default_one(executors, workflow):
    output = workflow("--profile", "profiles/slurm", "--dry-run")
    assert planned(output)["train"] == 120
    assert "Using profiles profiles/slurm and workflow specific profile profiles/default" in output
    # The default one's would prevail.
    assert not settings("slurm").keys() & settings("default").keys()


def test_the_slurm_profile_names_rules_and_asks_for_a_gpu_once(workflow):
    profile = settings("slurm")
    music = ("--snakefile", "label.smk", "--config", "model=README.md", "audio_dir=envs")
    rules = {*workflow("--list-rules").split(), *workflow("--list-rules", *music).split()}
    grouped = dict(entry.split("=") for entry in profile["groups"])
    assert grouped.keys() | profile["set-resources"].keys() <= rules
    assert {entry.split("=")[0] for entry in profile["group-components"]} == set(grouped.values())
    assert all("gres" not in asked for asked in profile["set-resources"].values())


# What `qsub -terse` does, at once and without a queue.
QSUB = """#!/bin/sh
echo "$*" >>asked.txt
for script; do :; done
sh "$script" >>said.txt 2>&1 &
echo $$
"""


@pytest.mark.slow
def test_another_engine_takes_jobs_through_its_submit_command(executors, workflow, audio, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/qsub").write_text(QSUB)
    (tmp_path / "bin/qsub").chmod(0o755)
    output = workflow(
        *("--profile", "profiles/slurm", "--executor", "cluster-generic"),
        *("--cluster-generic-submit-cmd", "qsub -terse -l h_vmem={resources.mem_mb}M"),
        *("--seconds-between-status-checks", "1"),
        *("results/smoke/predictions/time_1x60/fold-0.csv", "--resources", "gpu=0", *SMOKE),
        environment={"PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"},
    )
    assert finished(output)["train"] == 3
    asked = (workflow.folder / "asked.txt").read_text().splitlines()
    rules = [re.search(r"/snakejob\.([a-z_]+)\.", line)[1] for line in asked]
    # The size of a folder is not known beforehand: what reads all of it is a job.
    first = ["list_tracks", "extraction_extract_mel"]
    assert rules == [*first, "train", "train", "train", "evaluation_evaluate"]
    assert all(re.match(r"-terse -l h_vmem=\d+M /", line) for line in asked)


def test_the_test_cluster_keeps_away_from_another():
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
