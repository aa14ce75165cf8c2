"""Training: every variant on every fold.

Needs: results/<name>/features/, labels.csv, folds.csv, scaler.json.
Makes: models/<variant>/fold-<k>/weights.npz, history.csv, fit.json.
"""


rule train:
    input:
        features=FEATURES,
        index=FEATURE_INDEX,
        labels=f"{D}/labels.csv",
        folds=f"{D}/folds.csv",
        scaler=f"{D}/scaler.json",
        donors=donors,
        code=code("train", ENGINE_MODULE),
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
        mem_mb=1500,
        runtime=1440,
    params:
        model=f"{D}/models/{{variant}}/fold-{{fold}}",
        network=network,
        training=training,
        seed=config["seed"],
        engine=config["engine"],
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
            --engine {params.engine} \
            --gpus {resources.gpu} \
            --donors {input.donors} \
            --model {params.model} \
            >{log} 2>&1
        """
