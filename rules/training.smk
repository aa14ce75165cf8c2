"""Training: every variant on every fold.

Needs: results/<name>/features/, labels.csv, folds.csv, scaler.json.
Makes: models/<variant>/fold-<k>/weights.npz, history.csv, fit.json; estimate only prints.
"""


rule train:
    input:
        features=FEATURES,
        index=FEATURE_INDEX,
        listed=listed,
        labels=f"{D}/labels.csv",
        folds=f"{D}/folds.csv",
        scaler=f"{D}/scaler.json",
        onsets=ONSETS if config["sampling"] == "onset" else [],
        donors=donors,
    output:
        weights=f"{D}/models/{{variant}}/fold-{{fold}}/weights.npz",
        history=f"{D}/models/{{variant}}/fold-{{fold}}/history.csv",
        fit=f"{D}/models/{{variant}}/fold-{{fold}}/fit.json",
    log:
        f"{D}/logs/train/{{variant}}/fold-{{fold}}.log",
    benchmark:
        f"{D}/benchmarks/train/{{variant}}/fold-{{fold}}.tsv"
    conda:
        ENGINE_ENVIRONMENT
    threads: 1
    resources:
        gpu=gpus_a_training,
        # Of segments it holds what fits and reads the rest from the features when it is needed.
        mem_mb=growing(2000),
        runtime=growing(1440),
    params:
        code=digests_of("steps/train", ENGINE_MODULE),
        model=f"{D}/models/{{variant}}/fold-{{fold}}",
        network=network,
        training=training,
        seed=config["seed"],
        validation=config["validation"],
        sampling=config["sampling"],
        hop=config["sampling_hop"] if config["sampling"] == "overlapping" else 1,
        augmentation=json.dumps(config["augmentation"]),
        engine=config["engine"],
    message:
        "Train {wildcards.variant}, fold {wildcards.fold}"
    # exec: the training takes the shell's place. A time limit ends the shell at once, and a cluster
    # kills what is then left of the job, the training that saves its checkpoint.
    shell:
        """
        exec python -m workflow_scripts.steps.train \
            --features {input.features} \
            --labels {input.labels} \
            --folds {input.folds} \
            --scaler {input.scaler} \
            --variant {wildcards.variant} \
            --network {params.network:q} \
            --training {params.training:q} \
            --fold {wildcards.fold} \
            --seed {params.seed} \
            --validation {params.validation} \
            --sampling {params.sampling} \
            --hop {params.hop} \
            --onsets {input.onsets} \
            --augmentation {params.augmentation:q} \
            --memory-mb {resources.mem_mb} \
            --engine {params.engine} \
            --gpus {resources.gpu} \
            --donors {input.donors} \
            --model {params.model} \
            >{log} 2>&1
        """


localrules:
    estimate,


rule estimate:
    input:
        unpack(data_to_estimate),
    # No benchmark: a file that is made would make the rule up to date.
    log:
        f"{D}/logs/estimate.log",
    conda:
        ENGINE_ENVIRONMENT
    # All that --cores and --resources gpu= allow: nothing else is to run while steps are timed.
    threads: 1024
    resources:
        gpu=lambda wildcards: len(gpus_here()),
        mem_mb=500,
        runtime=10,
    params:
        variants=json.dumps(config["variants"]),
        training=json.dumps(config["training"]),
        folds=config["folds"],
        hop=hop_to_estimate(),
        engine=config["engine"],
        data=lambda wildcards, input: " ".join(
            f"--{name} {path}" for name, path in input.items()
        ),
    message:
        "Time a few steps of each variant"
    shell:
        """
        python -m workflow_scripts.steps.estimate \
            --variants {params.variants:q} \
            --training {params.training:q} \
            --n-folds {params.folds} \
            {params.hop} \
            --engine {params.engine} \
            --cores {threads} \
            --gpus {resources.gpu} \
            {params.data} \
            2>{log}
        """
