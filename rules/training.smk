"""Training: every variant on every fold.

Needs: results/<name>/features/, labels.csv, folds.csv, scaler.json.
Makes: models/<variant>/fold-<k>/weights.npz, history.csv, fit.json.
"""

from workflow_scripts.networks.devices import usable_gpus


def gpus_a_training(wildcards):
    """1, or 0 where this machine is to run the job itself and has no GPU for it.

    A job that asked for a GPU would keep the others waiting: `--resources gpu=1` lets one run.
    """
    return 1 if not workflow.local_exec or usable_gpus() else 0


def say_where_it_trains():
    """Once a run: that trainings go to the CPU although this machine runs them itself."""
    if workflow.local_exec and not usable_gpus():
        print("No GPU that MXNet can use: training on the CPU.", file=sys.stderr)


def donors(wildcards):
    """The models of the same fold that start this one."""
    init = config["variants"][wildcards.variant]["init"]
    return [f"{D}/models/{donor}/fold-{wildcards.fold}/weights.npz" for donor in init.values()]


rule train:
    input:
        features=FEATURES,
        index=FEATURE_INDEX,
        labels=f"{D}/labels.csv",
        folds=f"{D}/folds.csv",
        scaler=f"{D}/scaler.json",
        donors=donors,
        code=code("train"),
    output:
        weights=f"{D}/models/{{variant}}/fold-{{fold}}/weights.npz",
        history=f"{D}/models/{{variant}}/fold-{{fold}}/history.csv",
        fit=f"{D}/models/{{variant}}/fold-{{fold}}/fit.json",
    params:
        model=f"{D}/models/{{variant}}/fold-{{fold}}",
        network=network,
        training=training,
        seed=config["seed"],
    log:
        f"{D}/logs/train/{{variant}}/fold-{{fold}}.log",
    benchmark:
        f"{D}/benchmarks/train/{{variant}}/fold-{{fold}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        gpu=gpus_a_training,
        mem_mb=1500,
        runtime=1440,
    message:
        "Train {wildcards.variant}, fold {wildcards.fold}"
    shell:
        """
        python -m workflow_scripts.train \
            --features {input.features} \
            --labels {input.labels} \
            --folds {input.folds} \
            --scaler {input.scaler} \
            --variant {wildcards.variant} \
            --network {params.network:q} \
            --training {params.training:q} \
            --fold {wildcards.fold} \
            --seed {params.seed} \
            --gpus {resources.gpu} \
            --donors {input.donors} \
            --model {params.model} \
            > {log} 2>&1
        """
