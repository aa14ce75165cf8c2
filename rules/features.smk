"""Mel features, onsets, tempi and normalisation.

Needs: results/<name>/tracks.csv, contents/shard-<i>.txt, folds.csv.
Makes: features/shard-<i>.npy and .csv, onsets/shard-<i>.csv, tempi/shard-<i>.csv,
scaler.json.
"""


# It reads only tables and takes seconds on one core.
localrules:
    fit_scaler,


rule extract_mel:
    input:
        shard=shard_contents,
        # The path of a content does not change its features.
        tracks=ancient(f"{D}/tracks.csv"),
    output:
        features=f"{D}/features/shard-{{shard}}.npy",
        index=f"{D}/features/shard-{{shard}}.csv",
    log:
        f"{D}/logs/extract_mel/shard-{{shard}}.log",
    benchmark:
        f"{D}/benchmarks/extract_mel/shard-{{shard}}.tsv"
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
        tracks=ancient(f"{D}/tracks.csv"),
    output:
        onsets=f"{D}/onsets/shard-{{shard}}.csv",
    log:
        f"{D}/logs/detect_onsets/shard-{{shard}}.log",
    benchmark:
        f"{D}/benchmarks/detect_onsets/shard-{{shard}}.tsv"
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
        tracks=ancient(f"{D}/tracks.csv"),
    output:
        tempi=f"{D}/tempi/shard-{{shard}}.csv",
    log:
        f"{D}/logs/detect_tempo/shard-{{shard}}.log",
    benchmark:
        f"{D}/benchmarks/detect_tempo/shard-{{shard}}.tsv"
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
