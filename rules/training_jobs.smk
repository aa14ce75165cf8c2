"""What a training job trains and where it runs.

Makes: the folds of a job; its inputs and parameters; the GPUs of this machine and how many trainings
share one.
"""

from functools import cache

from workflow_scripts.devices.gpus import gpus_to_use, places_per_gpu

# What one training job trains, and its name in log files: a fold, or all folds of a variant.
ALL_FOLDS = config["folds_per_job"] == "all"
FOLDS_OF_JOB = [*FOLDS] if ALL_FOLDS else ["{fold}"]
JOB = "folds" if ALL_FOLDS else "fold-{fold}"
TITLE_OF_JOB = f"{len(FOLDS)} folds" if ALL_FOLDS else "fold {wildcards.fold}"


def of_job(file):
    """The files of this name of the models that a training job makes."""
    return [f"{{root}}/models/{{variant}}/fold-{fold}/{file}" for fold in FOLDS_OF_JOB]


def donors(wildcards):
    """Weights of the variant's donors on the same folds, of the same seed, fold by fold."""
    init = config["variants"][wildcards.variant]["init"]
    return [
        f"{wildcards.root}/models/{donor}/fold-{fold}/weights.npz"
        for fold in (FOLDS if ALL_FOLDS else [wildcards.fold])
        for donor in init.values()
    ]


def folds_of(weights):
    """The numbers of the folds of these weights."""
    return [Path(file).parent.name.removeprefix("fold-") for file in weights]


def checkpoints_of(weights):
    """The checkpoints of the trainings of these weights."""
    return [Path(file).with_name("checkpoint") for file in weights]


def adopted_models(weights):
    """Where `make adopt` moves these models of another checkout."""
    return [RESULTS.adopted / Path(file).parent.relative_to(D) for file in weights]


@cache
def gpus_here():
    """The GPUs of this machine for trainings."""
    return gpus_to_use(config["engine"])


def gpus_a_training(wildcards):
    """GPUs per training: 1, or 0 if this machine runs the job and has no usable GPU.

    With 1 on such a machine, `--resources gpu=1` would run one training at a time.
    """
    return 1 if not workflow.local_exec or gpus_here() else 0


def trainings_a_gpu(wildcards=None, resources=None):
    """The number of trainings that share a GPU.

    It asks for `resources` so that, as a parameter, it counts as derived and is not compared.
    """
    return places_per_gpu(gpus_here(), config["trainings_per_gpu"])


def share_gpus():
    """Let `--resources gpu=N` run as many trainings as share N GPUs.

    Snakemake's resources are whole numbers, and a cluster gives whole GPUs.
    """
    limit = workflow.global_resources.get("gpu").value
    if workflow.is_main_process and workflow.local_exec and limit:
        workflow.register_resource("gpu", limit * trainings_a_gpu())


def data_to_estimate(wildcards):
    """The files that list the tracks; none for Ballroom without folds.csv: its size is known."""
    if config["dataset"] == "ballroom" and not RESULTS.folds.exists():
        return {}
    return {"index": FEATURE_INDEX, "folds": assigned_folds(wildcards)}


def hop_to_estimate():
    """Frames between training segments, None if that is their length.

    The hop of onsets assumes four per second.
    """
    onset = round(FrontEnd.from_config(config["front_end"]).frame_rate / 4)
    hops = {"contiguous": None, "overlapping": config["sampling_hop"], "onset": onset}
    return hops[config["sampling"]]


share_gpus()
