"""Models to hand over, and new music through them.

Needs: results/<name>/models/, predictions/, features/, the tables of the tracks, scaler.json; to
label, a model and a folder of audio alone.
Makes: onnx/<variant>/fold-<k>.onnx and MODEL_CARD.md; decisions/shard-<i>.json, decisions.csv and
.json.
"""


rule export:
    input:
        features=FEATURES,
        index=FEATURE_INDEX,
        listed=listed,
        labels=f"{D}/labels.csv",
        folds=f"{D}/folds.csv",
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
    message:
        "Export {wildcards.variant}"
    shell:
        """
        python -m workflow_scripts.steps.export \
            --features {input.features} \
            --labels {input.labels} \
            --folds {input.folds} \
            --scaler {input.scaler} \
            --architecture {params.architecture:q} \
            --weights {input.weights} \
            --fits {input.fits} \
            --predictions {input.predictions} \
            --dataset {params.dataset} \
            --name {params.name} \
            --onnx {output.onnx} \
            --card {output.card} \
            >{log} 2>&1
        """


# Seconds of one core, of names and tables alone.
localrules:
    list_audio,
    label,


checkpoint list_audio:
    output:
        shards=expand("{D}/to_label/shard-{shard}.json", D=D, shard=SHARDS),
    log:
        f"{D}/logs/list_audio.log",
    benchmark:
        f"{D}/benchmarks/list_audio.tsv"
    conda:
        "../envs/classify.yaml"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(30),
    params:
        code=digests_of("steps/list_audio"),
        audio=lambda wildcards: config["audio_dir"],
        state=lambda wildcards: fingerprint_of_all(config["audio_dir"]),
        shards=config["shards"],
    message:
        "List the audio in {params.audio}"
    shell:
        """
        python -m workflow_scripts.steps.list_audio \
            --audio={params.audio:q} \
            --shards {output.shards} \
            >{log} 2>&1
        """


rule label_shard:
    input:
        shard=shard_to_label,
        model=lambda wildcards: config["model"],
    output:
        decisions=f"{D}/decisions/shard-{{shard}}.json",
    log:
        f"{D}/logs/label_shard/shard-{{shard}}.log",
    benchmark:
        f"{D}/benchmarks/label_shard/shard-{{shard}}.tsv"
    conda:
        "../envs/classify.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(240),
    params:
        code=digests_of("steps/label_shard"),
    message:
        "Label shard {wildcards.shard}"
    shell:
        """
        python -m workflow_scripts.steps.label_shard \
            --model {input.model:q} \
            --shard {input.shard} \
            --threads {threads} \
            --decisions {output.decisions} \
            >{log} 2>&1
        """


rule label:
    input:
        needs=what_labelling_needs,
        shards=expand("{D}/decisions/shard-{shard}.json", D=D, shard=SHARDS),
    output:
        table=f"{D}/decisions.csv",
        details=f"{D}/decisions.json",
    log:
        f"{D}/logs/label.log",
    benchmark:
        f"{D}/benchmarks/label.tsv"
    conda:
        "../envs/classify.yaml"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(30),
    params:
        code=digests_of("steps/collect_labels"),
    message:
        "Put the decisions together"
    shell:
        """
        : >{log}
        python -m workflow_scripts.steps.collect_labels \
            --shards {input.shards} \
            --decisions {output.table} \
            2>>{log} | tee -ai {log}
        """
