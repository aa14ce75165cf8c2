"""Mel-spectrograms.

Needs: results/<name>/tracks.csv, labels.csv, contents/shard-<i>.txt, folds.csv.
Makes: features/shard-<i>.npy and .csv, lengths.csv, scaler.json.
"""


rule extract_mel:
    input:
        shard=shard_contents,
        # Where a content lies does not change its features.
        tracks=ancient(f"{D}/tracks.csv"),
        code=code("extract_mel"),
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
        mem_mb=1000,
        runtime=30,
    message:
        "Extract the mel features of shard {wildcards.shard}"
    shell:
        """
        python -m workflow_scripts.extract_mel \
            --tracks {input.tracks} \
            --shard {input.shard} \
            --features {output.features} \
            >{log} 2>&1
        """


rule check_lengths:
    input:
        features=FEATURES,
        index=FEATURE_INDEX,
        labels=f"{D}/labels.csv",
        code=code("check_lengths"),
    output:
        lengths=f"{D}/lengths.csv",
    log:
        f"{D}/logs/check_lengths.log",
    benchmark:
        f"{D}/benchmarks/check_lengths.tsv"
    # Before any training. It is no input of theirs, since the longest of the variants may change
    # without a change for the others.
    priority: 50
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    params:
        longest_input=max(v["input_frames"] for v in config["variants"].values()),
    message:
        "Check the lengths of the tracks"
    shell:
        """
        python -m workflow_scripts.check_lengths \
            --features {input.features} \
            --labels {input.labels} \
            --longest-input {params.longest_input} \
            --lengths {output.lengths} \
            >{log} 2>&1
        """


rule fit_scaler:
    input:
        features=FEATURES,
        index=FEATURE_INDEX,
        labels=f"{D}/labels.csv",
        folds=f"{D}/folds.csv",
        code=code("fit_scaler"),
    output:
        scaler=f"{D}/scaler.json",
    log:
        f"{D}/logs/fit_scaler.log",
    benchmark:
        f"{D}/benchmarks/fit_scaler.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        normalisation=config["normalisation"],
    message:
        "Fit the normalisation"
    shell:
        """
        python -m workflow_scripts.fit_scaler \
            --features {input.features} \
            --labels {input.labels} \
            --folds {input.folds} \
            --normalisation {params.normalisation} \
            --scaler {output.scaler} \
            >{log} 2>&1
        """
