"""Mel features, onsets, tempi and normalisation.

Needs: tracks.csv and contents/shard-<i>.txt in data/features/<audio>-<shards>/; folds.csv.
Makes: there, what experiments share: tempi/shard-<i>.csv and, in a folder for each front end,
shard-<i>.npy and .csv, onsets/shard-<i>.csv; in results/<name>/, scaler.json.
"""


# It reads only tables and takes seconds on one core.
localrules:
    fit_scaler,


rule extract_mel:
    input:
        shard=shard_contents,
        # The path of a content does not change its features.
        tracks=ancient(f"{F}/tracks.csv"),
    output:
        features=f"{E}/shard-{{shard}}.npy",
        index=f"{E}/shard-{{shard}}.csv",
    log:
        f"{E}/logs/extract_mel/shard-{{shard}}.log",
    benchmark:
        f"{E}/benchmarks/extract_mel/shard-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(60),
    params:
        code=digests_of("steps/extract_mel"),
        front_end=FRONT_END,
    message:
        "Extract the mel features of shard {wildcards.shard}"
    shell:
        """
        python -m workflow_scripts.steps.extract_mel \
            --front-end {params.front_end:q} \
            --tracks {input.tracks} \
            --shard {input.shard} \
            --features {output.features} \
            >{log} 2>&1
        """


rule detect_onsets:
    input:
        shard=shard_contents,
        tracks=ancient(f"{F}/tracks.csv"),
    output:
        onsets=f"{E}/onsets/shard-{{shard}}.csv",
    log:
        f"{E}/logs/detect_onsets/shard-{{shard}}.log",
    benchmark:
        f"{E}/benchmarks/detect_onsets/shard-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(60),
    params:
        code=digests_of("steps/detect_onsets"),
        front_end=FRONT_END,
    message:
        "Detect the onsets of shard {wildcards.shard}"
    shell:
        """
        python -m workflow_scripts.steps.detect_onsets \
            --front-end {params.front_end:q} \
            --tracks {input.tracks} \
            --shard {input.shard} \
            --onsets {output.onsets} \
            >{log} 2>&1
        """


rule detect_tempo:
    input:
        shard=shard_contents,
        tracks=ancient(f"{F}/tracks.csv"),
    output:
        tempi=f"{F}/tempi/shard-{{shard}}.csv",
    log:
        f"{F}/logs/detect_tempo/shard-{{shard}}.log",
    benchmark:
        f"{F}/benchmarks/detect_tempo/shard-{{shard}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(60),
    params:
        code=digests_of("steps/detect_tempo"),
    message:
        "Estimate the tempi of shard {wildcards.shard}"
    shell:
        """
        python -m workflow_scripts.steps.detect_tempo \
            --tracks {input.tracks} \
            --shard {input.shard} \
            --tempi {output.tempi} \
            >{log} 2>&1
        """


rule fit_scaler:
    input:
        index=FEATURE_INDEX,
        listed=listed,
        folds=assigned_folds,
    output:
        scaler="{root}/scaler.json",
    log:
        "{root}/logs/fit_scaler.log",
    benchmark:
        "{root}/benchmarks/fit_scaler.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(30),
    params:
        code=digests_of("steps/fit_scaler"),
        front_end=FRONT_END,
        normalisation=config["normalisation"],
        validation=config["validation"],
        level=config["level"],
    message:
        f"Fit the normalisation{IN_ROOT}"
    shell:
        """
        python -m workflow_scripts.steps.fit_scaler \
            --front-end {params.front_end:q} \
            --index {input.index} \
            --folds {input.folds} \
            --normalisation {params.normalisation} \
            --validation {params.validation} \
            --level {params.level} \
            --scaler {output.scaler} \
            >{log} 2>&1
        """
