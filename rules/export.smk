"""ONNX models and model cards.

Needs: the shared features; results/<name>/models/, predictions/, folds.csv, scaler.json.
Makes: onnx/<variant>/fold-<k>.onnx and MODEL_CARD.md.
"""


rule export:
    input:
        features=FEATURES,
        index=FEATURE_INDEX,
        listed=listed,
        folds=assigned_folds,
        scaler=f"{D}/scaler.json",
        weights=expand(
            "{D}/models/{{variant}}/fold-{fold}/weights.npz", D=D, fold=FOLDS
        ),
        fits=expand("{D}/models/{{variant}}/fold-{fold}/fit.json", D=D, fold=FOLDS),
        predictions=expand(
            "{D}/predictions/{{variant}}/fold-{fold}.csv", D=D, fold=FOLDS
        ),
    output:
        onnx=expand("{D}/onnx/{{variant}}/fold-{fold}.onnx", D=D, fold=FOLDS),
        card=f"{D}/onnx/{{variant}}/MODEL_CARD.md",
    log:
        f"{D}/logs/export/{{variant}}.log",
    benchmark:
        f"{D}/benchmarks/export/{{variant}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(60),
    params:
        code=digests_of("steps/export"),
        architecture=lambda wildcards: config["variants"][wildcards.variant][
            "architecture"
        ],
        dataset=config["dataset"],
        name=config["name"],
        front_end=FRONT_END,
    message:
        "Export {wildcards.variant}"
    shell:
        """
        python -m workflow_scripts.steps.export \
            --features {input.features} \
            --index {input.index} \
            --folds {input.folds} \
            --scaler {input.scaler} \
            --variant {wildcards.variant} \
            --architecture {params.architecture:q} \
            --front-end {params.front_end:q} \
            --weights {input.weights} \
            --fits {input.fits} \
            --predictions {input.predictions} \
            --dataset {params.dataset} \
            --name {params.name} \
            --onnx {output.onnx} \
            --card {output.card} \
            >{log} 2>&1
        """
