"""What the rule files share.

Makes: the checked configuration; D, the folder of this experiment; the functions below.
"""

import json
import os
import sys
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError

from workflow_scripts.atomic_files import remove_leftovers
from workflow_scripts.dataset.scan import fingerprint
from workflow_scripts.demo.dances import DANCES, TRACKS_A_DANCE
from workflow_scripts.devices.gpus import conda_form, cpu_note, gpus_to_use
from workflow_scripts.errors import UserError
from workflow_scripts.paths import ResultPaths
from workflow_scripts.workflow import configuration, ownership
from workflow_scripts.workflow.code_digests import digests_of, offer_to_jobs
from workflow_scripts.workflow.run_lock import RunLock
from workflow_scripts.workflow.training_settings import network_of, training_of

try:
    configuration.complete(config)
    RESULTS = ResultPaths(Path("results", config["name"]))
    if workflow.is_main_process:
        ownership.check(RESULTS)
        configuration.check_data(config, RESULTS)
except UserError as error:
    raise WorkflowError(str(error)) from None

offer_to_jobs()

D = f"results/{config['name']}"
RUN_LOCK = RunLock(RESULTS.folder)
LISTEN_TO = config["listen_to"] or [*config["variants"]][-1]
FOLDS = range(config["folds"])
SHARDS = range(config["shards"])
FEATURES = expand("{D}/features/shard-{shard}.npy", D=D, shard=SHARDS)
FEATURE_INDEX = expand("{D}/features/shard-{shard}.csv", D=D, shard=SHARDS)
TEMPI = expand("{D}/tempi/shard-{shard}.csv", D=D, shard=SHARDS)
ONSETS = expand("{D}/onsets/shard-{shard}.csv", D=D, shard=SHARDS)
DEMO_TRACKS = [f"{number:02d}" for number in range(1, TRACKS_A_DANCE + 1)]
ENGINE_MODULE = f"networks/engine_{config['engine']}"
ENGINE_ENVIRONMENT = f"../envs/{conda_form(config['engine'])}.yaml"
# Steps that read everything once take seconds for these data sets, too short for a job of a cluster;
# a user's folder may hold terabytes.
OF_KNOWN_SIZE = config["dataset"] in ("ballroom", "demo")
AUDIO_FOLDERS = {
    "ballroom": "data/ballroom/BallroomData",
    "demo": "data/demo",
    "folder": config["audio_dir"],
}


wildcard_constraints:
    variant="|".join(config["variants"]),
    fold="[0-9]+",
    shard="[0-9]+",


def of_each_variant(path):
    """Files of the results, one a variant, in the order of the table."""
    return expand(f"{D}/{path}", variant=config["variants"])


def of_each_model(path):
    """Files of the results, variant by variant, fold by fold."""
    return expand(f"{D}/{path}", variant=config["variants"], fold=FOLDS)


def audio_to_make(wildcards):
    """What the workflow itself makes before the tracks can be listed."""
    made = {
        "ballroom": ["data/ballroom/BallroomData", "data/ballroom/BallroomAnnotations"],
        "demo": expand(rules.synthesise.output.audio, dance=DANCES),
        "folder": [],
    }
    return made[config["dataset"]]


def shard_contents(wildcards):
    """The shard's list of contents, asked for through the checkpoint.

    So a new track recomputes its own shard alone.
    """
    return checkpoints.list_tracks.get().output.contents[int(wildcards.shard)]


def listed(wildcards):
    """No file, once the tracks are listed: an input of all rules after assign_folds.

    After a checkpoint, Snakemake looks again only at jobs that ask for its output. It would run the
    others even if what they read has not changed.
    """
    checkpoints.list_tracks.get()
    return []


def assigned_folds(wildcards):
    """folds.csv, once the folds are assigned."""
    return checkpoints.assign_folds.get().output.folds


def network(wildcards):
    """A variant's network as JSON: an edit reruns this variant alone."""
    return json.dumps(network_of(config, wildcards.variant))


def training(wildcards):
    """The settings of a variant's training as JSON."""
    return json.dumps(training_of(config, wildcards.variant))


def donors(wildcards):
    """The models of the same fold that a variant starts from."""
    init = config["variants"][wildcards.variant]["init"]
    return [
        f"{D}/models/{donor}/fold-{wildcards.fold}/weights.npz"
        for donor in init.values()
    ]


def growing(first):
    """A resource that grows with each attempt at a job (`--retries`): first, 2 x first, ...

    `first` leaves room above what a run of the demo takes (benchmarks/job_costs.py) and, for rules that
    read tables of tracks, above what a million tracks take.
    """
    return lambda wildcards, attempt: first * attempt


@cache
def gpus_here():
    """The GPUs of this machine that trainings use."""
    return gpus_to_use(config["engine"])


def gpus_a_training(wildcards):
    """1, or 0 if this machine itself runs the job and has no GPU for it.

    A job that asks for a GPU would keep the others waiting: `--resources gpu=1` lets one run.
    """
    return 1 if not workflow.local_exec or gpus_here() else 0


def data_to_estimate(wildcards):
    """The tracks to train on; nothing for Ballroom before it is downloaded: its size is known."""
    if config["dataset"] == "ballroom" and not RESULTS.folds.exists():
        return {}
    return {"index": FEATURE_INDEX, "folds": assigned_folds(wildcards)}


def hop_to_estimate():
    """The distance in frames at which training segments start, if it is not their length.

    Music has about four onsets a second.
    """
    hops = {"contiguous": None, "overlapping": config["sampling_hop"], "onset": 11}
    hop = hops[config["sampling"]]
    return f"--hop {hop}" if hop else ""


def start_run():
    """Keep other runs out of these results, and mark them as this checkout's."""
    try:
        RUN_LOCK.acquire()
    except UserError as error:
        raise WorkflowError(str(error)) from None
    ownership.mark(RESULTS)
    planned = {job.rule.name for job in workflow.dag.needrun_jobs()}
    # An estimate may use settings that no file here was made with.
    if planned != {"estimate"}:
        configuration.keep(config, RESULTS)
    if note := cpu_note(config["engine"], workflow.local_exec):
        print(note, file=sys.stderr)
