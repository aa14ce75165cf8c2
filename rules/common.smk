"""What the rule files share.

Makes: the checked configuration; D, the folder of this experiment; the functions below.
"""

import json
import os
import sys
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError

from workflow_scripts.workflow import configuration, records
from workflow_scripts.demo.dances import DANCES, TRACKS_A_DANCE
from workflow_scripts.dataset.scan import fingerprint, fingerprint_of_all
from workflow_scripts.devices.gpus import (
    conda_form,
    has_cuda_build,
    visible_gpus,
    with_kernels,
)
from workflow_scripts.workflow.run_lock import RunLock
from workflow_scripts.workflow.code_digests import digests_of, offer_to_jobs
from workflow_scripts.atomic_files import remove_leftovers
from workflow_scripts.errors import UserError

try:
    configuration.complete(config)
    if workflow.is_main_process:
        records.check(Path("results", config["name"]))
        configuration.check_data(config, Path("results", config["name"]))
except UserError as mistake:
    raise WorkflowError(str(mistake)) from None

offer_to_jobs()

D = f"results/{config['name']}"
RUN_LOCK = RunLock(Path(D))
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
# Steps that read everything once take seconds for these, too few for a job of a cluster; a folder may
# hold terabytes.
OF_KNOWN_SIZE = config["dataset"] in ("ballroom", "demo")
PAGE = [
    os.path.relpath(os.path.join(workflow.basedir, "workflow_scripts/report", name))
    for name in ("template.html.j2", "style.css", "script.js", "figures.mplstyle")
]
AUDIO_FOLDERS = {
    "ballroom": "data/ballroom/BallroomData",
    "demo": "data/demo",
    "folder": config["audio_dir"],
}


wildcard_constraints:
    variant="|".join(config["variants"]),
    fold="[0-9]+",
    shard="[0-9]+",


def source(path):
    """A file of the workflow itself; relative, so that a moved checkout computes nothing anew."""
    return os.path.relpath(os.path.join(workflow.basedir, path))


def of_each_variant(path):
    """Files of the results, one a variant, in the table's order."""
    return expand(f"{D}/{path}", variant=config["variants"])


def of_each_model(path):
    """Files of the results, variant by variant, fold by fold."""
    return expand(f"{D}/{path}", variant=config["variants"], fold=FOLDS)


def audio_to_make(wildcards):
    """What has to be there before the tracks can be listed."""
    made = {
        "ballroom": ["data/ballroom/BallroomData", "data/ballroom/BallroomAnnotations"],
        "demo": expand(rules.synthesise.output.audio, dance=DANCES),
        "folder": [],
    }
    return made[config["dataset"]]


def shard_contents(wildcards):
    """The shard's list of contents, as the checkpoint leaves it.

    Asked for through the checkpoint, so that a new track recomputes its own shard alone.
    """
    return checkpoints.list_tracks.get().output.contents[int(wildcards.shard)]


def listed(wildcards):
    """No file, once the tracks are listed.

    After a checkpoint Snakemake looks again only at jobs that ask for its output themselves: the
    others it would run, although what they read is the same as before.
    """
    checkpoints.list_tracks.get()
    return []


def network(wildcards):
    """What decides a variant's outputs as JSON, so that an edit reruns this variant alone."""
    return network_of(wildcards.variant)


def network_of(name):
    """See `network`."""
    variant = config["variants"][name]
    return json.dumps(
        {key: variant[key] for key in ("input_frames", "trunks", "hidden", "init")}
    )


def training(wildcards):
    """The settings of a variant's training as JSON."""
    own = config["variants"][wildcards.variant].get("training", {})
    return json.dumps(config["training"] | own)


def donors(wildcards):
    """The models of the same fold that start this one."""
    init = config["variants"][wildcards.variant]["init"]
    return [
        f"{D}/models/{donor}/fold-{wildcards.fold}/weights.npz"
        for donor in init.values()
    ]


def what_labelling_needs(wildcards):
    """No file. Raises WorkflowError where the configuration names no model."""
    if config["model"] is None:
        raise WorkflowError(
            "to label music, say with what and which: snakemake label --config model=FILE "
            "audio_dir=FOLDER"
        )
    return []


def shard_to_label(wildcards):
    """The shard's list of tracks, as the checkpoint leaves it: a new track is labelled alone."""
    return checkpoints.list_audio.get().output.shards[int(wildcards.shard)]


def growing(first):
    """A resource of which each further attempt at a job (`--retries`) gets as much again.

    The first has room above what a run of the demo takes (benchmarks/rules.py) and, for what reads
    tables of tracks, above a million of them.
    """
    return lambda wildcards, attempt: first * attempt


@cache
def gpus_here():
    """The GPUs of this machine that trainings are to use.

    Where the engine has kernels for none of them a training is to say so: they count all the same.
    """
    gpus = visible_gpus() if has_cuda_build(config["engine"]) else []
    return with_kernels(config["engine"], gpus) or gpus


def gpus_a_training(wildcards):
    """1, or 0 where this machine is to run the job itself and has no GPU for it.

    A job that asked for a GPU would keep the others waiting: `--resources gpu=1` lets one run.
    """
    return 1 if not workflow.local_exec or gpus_here() else 0


def data_to_estimate(wildcards):
    """The tracks to train on; none for a Ballroom that is not here yet: its size is known."""
    if config["dataset"] == "ballroom" and not os.path.exists(f"{D}/lengths.csv"):
        return {}
    return {"lengths": f"{D}/lengths.csv", "labels": f"{D}/labels.csv"}


def hop_to_estimate():
    """How far apart segments to train on start; music has about four onsets a second."""
    hops = {"contiguous": None, "overlapping": config["sampling_hop"], "onset": 11}
    hop = hops[config["sampling"]]
    return f"--hop {hop}" if hop else ""


def take_the_results():
    """Keep other runs out of this experiment's results."""
    try:
        RUN_LOCK.acquire()
    except UserError as mistake:
        raise WorkflowError(str(mistake)) from None
    # Of a run that was killed.
    save_records()
    planned = {job.rule.name for job in workflow.dag.needrun_jobs()}
    if config["model"] is not None and planned - {"list_audio", "label_shard", "label"}:
        raise WorkflowError(
            f"model is set to {config['model']}, which is for labelling: call `snakemake label`, "
            "or leave model out to train"
        )
    # An estimate may be of settings that nothing here was made with.
    if planned != {"estimate"}:
        configuration.keep(config, Path(D, configuration.KEPT))


def leave_the_results():
    """Let others run, or take the results elsewhere."""
    save_records()
    RUN_LOCK.release()


def save_records():
    """See there; a full disk is no reason to fail a run that may have done all else."""
    try:
        records.save(Path(D))
    except OSError as failure:
        print(
            f"note: {records.saved(Path(D))} could not be written ({failure.strerror}); in another "
            "checkout `make adopt` would lack it",
            file=sys.stderr,
        )


def say_where_it_trains():
    """Once a run that trains: that it does so on the CPU, as far as this machine knows."""
    if config["model"] is not None:
        return
    if not workflow.local_exec:
        if not has_cuda_build(config["engine"]):
            print(
                f"Training on the CPU: the installed {config['engine']} is a build without CUDA; "
                "--resources gpu=0 asks the cluster for no GPUs.",
                file=sys.stderr,
            )
        return
    if gpus_here():
        return
    idle = visible_gpus()
    reason = (
        f"the installed {config['engine']} is a build without CUDA; {idle[0]} stays idle"
        if idle
        else "no GPU is visible"
    )
    print(f"Training on the CPU: {reason}.", file=sys.stderr)
