"""Shared by the rule files.

Makes: the checked configuration; D, the folder of this experiment; F and E, those of the features that
experiments share; the functions below.

Rules that run once for each seed have the wildcard root, the folder of the seed's results: D for
the first seed, D/seeds/<seed> for any other. Rules with D in their paths run once; they read the
results of the first seed unless they ask for those of all.
"""

import json
import os
import re
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

from workflow_scripts.atomic_files import remove_leftovers
from workflow_scripts.audio.parameters import FrontEnd
from workflow_scripts.dataset import exclusion
from workflow_scripts.dataset.scan import fingerprint
from workflow_scripts.demo.dances import DANCES, TRACKS_A_DANCE
from workflow_scripts.devices.gpus import conda_form
from workflow_scripts.errors import UserError, encodable
from workflow_scripts.models.limits import limited_classes
from workflow_scripts.paths import ResultPaths
from workflow_scripts.report import citation
from workflow_scripts.workflow import configuration, ownership
from workflow_scripts.workflow.code_digests import digests_of, offer_to_jobs
from workflow_scripts.workflow.job_resources import growing
from workflow_scripts.workflow.shared_features import audio_of, shared_features
from workflow_scripts.workflow.training_settings import (
    n_folds_of,
    network_of,
    seeds_of,
    settings_of,
    training_of,
)

try:
    REPLACE = configuration.take_replace(
        config, sys.argv if workflow.is_main_process else None
    )
    ROWS = configuration.complete(
        config, command_line=workflow.config_settings.config_args
    )
    RESULTS = ResultPaths(Path("results", config["name"]))
    LAST_CONFIG = (
        configuration.read(RESULTS.config) if RESULTS.config.is_file() else None
    )
    SHARED = shared_features(config, LAST_CONFIG)
    # Not the name or the time of the user's list: they change no track.
    EXCLUDED = exclusion.digest(config["exclude"])
    if workflow.is_main_process:
        configuration.check_profile(workflow.config_settings.config_args, sys.argv)
        ownership.check(RESULTS)
        ownership.check_features(SHARED)
        configuration.check_data(config, RESULTS)
except UserError as error:
    raise WorkflowError(encodable(str(error))) from None

offer_to_jobs()

D = f"results/{config['name']}"
# What experiments on this audio share, and the part that depends on the front end.
F, E = str(SHARED.folder), str(SHARED.front_end)
# The seed of each folder of results, D first.
SEEDS = {
    str(own.folder): seed for seed, own in RESULTS.of_seeds(seeds_of(config)).items()
}
# Folders of added seeds, whose folds no run has assigned yet.
NEW_SEEDS = {
    root for root in SEEDS if root != D and not Path(root, "folds.csv").exists()
}
# Whether somebody has removed the list of tracks behind existing results.
UNLISTED = RESULTS.tracks.exists() and not SHARED.is_listed()
# Added to messages of the rules with the wildcard root.
IN_ROOT = " in {wildcards.root}" if len(SEEDS) > 1 else ""
LISTEN_TO = config["listen_to"] or [*config["variants"]][-1]
FRONT_END = json.dumps(config["front_end"])
FOLDS = range(n_folds_of(config))
SHARDS = range(config["shards"])
FEATURES, FEATURE_INDEX = [*map(str, SHARED.features)], [*map(str, SHARED.index)]
TEMPI, ONSETS = [*map(str, SHARED.tempi)], [*map(str, SHARED.onsets)]
# The table of the sweeps, if there are any.
SWEEPS = [f"{D}/sweeps.csv"] if ROWS.sweeps else []
DEMO_TRACKS = [f"{number:02d}" for number in range(1, TRACKS_A_DANCE + 1)]
ENGINE_MODULE = f"networks/engine_{config['engine']}"
ENGINE_ENVIRONMENT = f"../envs/{conda_form(config['engine'])}.yaml"
# For these data sets, steps that read all data take seconds, too short for a cluster job. A user's
# folder may have terabytes.
OF_KNOWN_SIZE = config["dataset"] in ("ballroom", "demo")
AUDIO_FOLDERS = {
    "ballroom": "data/ballroom/BallroomData",
    "demo": "data/demo",
    "folder": config["audio_dir"] and audio_of(SHARED, config["audio_dir"]),
}
AUDIO = AUDIO_FOLDERS[config["dataset"]]


wildcard_constraints:
    root="|".join(map(re.escape, SEEDS)),
    variant="|".join(config["variants"]),
    fold="[0-9]+",
    shard="[0-9]+",


def of_each_variant(path):
    """One result file per variant, in the order of the table."""
    return expand(f"{D}/{path}", variant=config["variants"])


def of_each_model(path):
    """One result file per variant and fold, sorted by variant, then by fold."""
    return expand(f"{D}/{path}", variant=config["variants"], fold=FOLDS)


def of_each_seed(path, variants=tuple(config["variants"])):
    """One result file per seed, or one per model of each seed, seed by seed."""
    return expand(f"{{root}}/{path}", root=SEEDS, variant=variants, fold=FOLDS)


def of_row(path):
    """A function of wildcards: the result files of `of_each_seed` of the job's variant."""
    return lambda wildcards: of_each_seed(path, [wildcards.variant])


def other_results():
    """The files behind table and report that users, commands and archives need.

    A file that is missing, for example because it was damaged, is made again only if it is
    requested. Shared features are made again when a step needs them.
    """
    return [
        f"{D}/sounds",
        *(f"{D}/{table}.csv" for table in ("tracks", "excluded", "replicas")),
        f"{D}/interventions.csv",
        *(f"{D}/{table}.csv" for table in ("predictions", "per_class", "confusions")),
        *SWEEPS,
        *of_each_seed("folds.csv"),
        *of_each_seed("skipped.csv"),
        *of_each_seed("scaler.json"),
        *of_each_seed("baselines.csv"),
        *of_each_seed("models/{variant}/fold-{fold}/weights.npz"),
        *of_each_seed("models/{variant}/fold-{fold}/history.csv"),
        *of_each_seed("models/{variant}/fold-{fold}/fit.json"),
        *of_each_seed("predictions/{variant}/fold-{fold}.csv"),
        *of_each_model("onnx/{variant}/fold-{fold}.onnx"),
        *of_each_variant("interventions/{variant}.csv"),
        *of_each_variant("filters/{variant}.csv"),
        *of_each_variant("filters/{variant}.npz"),
    ]


def audio_to_make(wildcards):
    """The audio that the workflow makes before the tracks can be listed."""
    files = {
        "ballroom": ["data/ballroom/BallroomData", "data/ballroom/BallroomAnnotations"],
        "demo": expand(rules.synthesise.output.audio, dance=DANCES),
        "folder": [],
    }
    return files[config["dataset"]]


def shard_contents(wildcards):
    """The shard's list of contents, requested from the checkpoint.

    A new track therefore recomputes only its own shard.
    """
    return checkpoints.list_tracks.get().output.contents[int(wildcards.shard)]


def listed(wildcards):
    """An empty list that depends on the checkpoint: an input of all rules after assign_folds.

    After a checkpoint, Snakemake reevaluates only jobs that ask for its output. It would run the
    others even if their inputs have not changed. Behind a checkpoint without files that does not
    run, it sees no change at all, so nothing then asks for it but the target `all`.
    """
    if not UNLISTED:
        checkpoints.list_tracks.get()
    return []


def assigned_folds(wildcards):
    """folds.csv of the job's seed, by default of the first, requested from the checkpoint.

    If there are results, first of list_tracks: of jobs that ask for both checkpoints from the
    start, Snakemake 9 does not see other changes, such as a learning rate, after it has listed the
    tracks again. Nor does it see them in jobs behind a checkpoint that has never run, so that the
    table would not ask for an added seed: its folds are an ordinary input.
    """
    if RESULTS.tracks.exists() and not UNLISTED:
        checkpoints.list_tracks.get()
    root = wildcards.get("root", D)
    if root in NEW_SEEDS:
        return f"{root}/folds.csv"
    return checkpoints.assign_folds.get(root=root).output.folds


def assigned_folds_of_all(wildcards):
    """folds.csv of each seed, as `assigned_folds`."""
    return [assigned_folds({"root": root}) for root in SEEDS]


def seed(wildcards):
    """The seed of the job's folder of results."""
    return SEEDS[wildcards.root]


def network(wildcards):
    """A variant's network as JSON. An edit reruns only this variant."""
    return json.dumps(network_of(config, wildcards.variant))


def training(wildcards):
    """The settings of a variant's training as JSON."""
    return json.dumps(training_of(config, wildcards.variant))


def settings_of_job(wildcards):
    """All settings of a variant's training with the seed of the job, as fit.json records them."""
    return settings_of(config | {"seed": seed(wildcards)}, wildcards.variant)


def training_settings(wildcards):
    """The settings of `settings_of_job` as JSON."""
    return json.dumps(settings_of_job(wildcards))


def batches_to_check():
    """Frames and hop of training segments, and segments of a batch, by variant.

    Empty if segments start at onsets: their number is known only when a training reads them.
    """
    if config["sampling"] == "onset":
        return {}
    overlapping = config["sampling"] == "overlapping"
    return {
        name: (
            variant["input_frames"],
            config["sampling_hop"] if overlapping else variant["input_frames"],
            training_of(config, name)["batch_size"],
        )
        for name, variant in config["variants"].items()
    }
