"""Cross-validation.

Needs: results/<name>/tracks.csv, excluded.csv, the shared features.
Makes: replicas.csv, folds.csv, skipped.csv.
"""


localrules:
    assign_folds,


rule find_replicas:
    input:
        tracks=f"{D}/tracks.csv",
        listed=listed,
        features=FEATURES,
        index=FEATURE_INDEX,
    output:
        pairs=f"{D}/replicas.csv",
    log:
        f"{D}/logs/find_replicas.log",
    benchmark:
        f"{D}/benchmarks/find_replicas.tsv"
    # It reads all features.
    localrule: OF_KNOWN_SIZE
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(120),
    params:
        code=digests_of("steps/find_replicas"),
        front_end=FRONT_END,
        ballroom="--ballroom" if config["dataset"] == "ballroom" else "",
    message:
        "Find tracks of the same recording"
    shell:
        """
        python -m workflow_scripts.steps.find_replicas \
            --front-end {params.front_end:q} \
            --tracks {input.tracks} \
            --features {input.features} \
            --index {input.index} \
            {params.ballroom} \
            --pairs {output.pairs} \
            >{log} 2>&1
        """


checkpoint assign_folds:
    input:
        tracks=f"{D}/tracks.csv",
        listed=listed,
        index=FEATURE_INDEX,
        pairs=f"{D}/replicas.csv",
        excluded=f"{D}/excluded.csv",
    output:
        folds="{root}/folds.csv",
        skipped="{root}/skipped.csv",
    log:
        "{root}/logs/assign_folds.log",
    benchmark:
        "{root}/benchmarks/assign_folds.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(30),
    params:
        code=digests_of("steps/assign_folds"),
        front_end=FRONT_END,
        ballroom="--ballroom" if config["dataset"] == "ballroom" else "",
        # Not passed on: a new length selects tracks anew.
        lengths=sorted({v["input_frames"] for v in config["variants"].values()}),
        # Takes `output`, so that Snakemake does not compare it: other names change no fold.
        inputs=lambda wildcards, output: json.dumps(
            {name: v["input_frames"] for name, v in config["variants"].items()}
        ),
        # Nor do batches. The trainings check them again.
        batches=lambda wildcards, output: json.dumps(batches_to_check()),
        on_bad_audio=config["on_bad_audio"],
        replicas=config["replicas"],
        group_by=lambda wildcards: config["group_by"] or "",
        split_by=lambda wildcards: config["split_by"] or "",
        folds=len(FOLDS),
        seed=seed,
        unstratified="" if config["stratified"] else "--unstratified",
        validation=config["validation"],
    message:
        f"Assign the tracks to {{params.folds}} folds{IN_ROOT}"
    shell:
        """
        : >{log}
        python -m workflow_scripts.steps.assign_folds \
            --front-end {params.front_end:q} \
            --tracks {input.tracks} \
            --index {input.index} \
            --pairs {input.pairs} \
            --excluded {input.excluded} \
            {params.ballroom} \
            --inputs {params.inputs:q} \
            --batches {params.batches:q} \
            --on-bad-audio {params.on_bad_audio} \
            --replicas {params.replicas} \
            --group-by={params.group_by:q} \
            --split-by={params.split_by:q} \
            --n-folds {params.folds} \
            --seed {params.seed} \
            {params.unstratified} \
            --validation {params.validation} \
            --folds {output.folds} \
            --skipped {output.skipped} \
            2>>{log} | tee -ai {log}
        """
