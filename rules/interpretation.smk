"""Interventions, filters and sounds.

Needs: the shared features; results/<name>/models/, tracks.csv, folds.csv, scaler.json,
predictions/.
Makes: interventions/<variant>.csv, interventions.csv, filters/<variant>.csv and .npz,
sounds/.
"""


# It reads only tables and takes seconds on one core.
localrules:
    tabulate_interventions,


rule intervene:
    input:
        features=FEATURES,
        index=FEATURE_INDEX,
        listed=listed,
        folds=assigned_folds,
        scaler=f"{D}/scaler.json",
        weights=expand(
            "{D}/models/{{variant}}/fold-{fold}/weights.npz", D=D, fold=FOLDS
        ),
    output:
        interventions=f"{D}/interventions/{{variant}}.csv",
    log:
        f"{D}/logs/intervene/{{variant}}.log",
    benchmark:
        f"{D}/benchmarks/intervene/{{variant}}.tsv"
    conda:
        ENGINE_ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(240),
    params:
        code=digests_of("steps/intervene", ENGINE_MODULE),
        front_end=FRONT_END,
        network=network,
        engine=config["engine"],
    message:
        "Evaluate {wildcards.variant} under time stretch and pitch shift"
    shell:
        """
        python -m workflow_scripts.steps.intervene \
            --front-end {params.front_end:q} \
            --features {input.features} \
            --index {input.index} \
            --folds {input.folds} \
            --scaler {input.scaler} \
            --variant {wildcards.variant} \
            --network {params.network:q} \
            --engine {params.engine} \
            --weights {input.weights} \
            --interventions {output.interventions} \
            >{log} 2>&1
        """


rule tabulate_interventions:
    input:
        listed=listed,
        folds=assigned_folds,
        counts=of_each_variant("interventions/{variant}.csv"),
    output:
        table=report(
            f"{D}/interventions.csv",
            caption="captions/interventions.rst",
            category="Tables",
        ),
    log:
        f"{D}/logs/tabulate_interventions.log",
    benchmark:
        f"{D}/benchmarks/tabulate_interventions.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
        runtime=growing(10),
    params:
        code=digests_of("steps/tabulate_interventions"),
    message:
        "Tabulate the interventions"
    shell:
        """
        python -m workflow_scripts.steps.tabulate_interventions \
            --folds {input.folds} \
            --counts {input.counts} \
            --table {output.table} \
            >{log} 2>&1
        """


rule interpret:
    input:
        features=FEATURES,
        index=FEATURE_INDEX,
        listed=listed,
        folds=assigned_folds,
        scaler=f"{D}/scaler.json",
        weights=expand(
            "{D}/models/{{variant}}/fold-{fold}/weights.npz", D=D, fold=FOLDS
        ),
    output:
        filters=f"{D}/filters/{{variant}}.csv",
        spectra=f"{D}/filters/{{variant}}.npz",
    log:
        f"{D}/logs/interpret/{{variant}}.log",
    benchmark:
        f"{D}/benchmarks/interpret/{{variant}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        code=digests_of("steps/interpret"),
        front_end=FRONT_END,
        network=network,
    message:
        "Interpret the filters of {wildcards.variant}"
    shell:
        """
        python -m workflow_scripts.steps.interpret \
            --front-end {params.front_end:q} \
            --features {input.features} \
            --index {input.index} \
            --folds {input.folds} \
            --scaler {input.scaler} \
            --variant {wildcards.variant} \
            --network {params.network:q} \
            --weights {input.weights} \
            --filters {output.filters} \
            --spectra {output.spectra} \
            >{log} 2>&1
        """


rule auralise:
    input:
        features=FEATURES,
        index=FEATURE_INDEX,
        listed=listed,
        folds=assigned_folds,
        tracks=f"{D}/tracks.csv",
        scaler=f"{D}/scaler.json",
        weights=expand(f"{D}/models/{LISTEN_TO}/fold-{{fold}}/weights.npz", fold=FOLDS),
        predictions=expand(f"{D}/predictions/{LISTEN_TO}/fold-{{fold}}.csv", fold=FOLDS),
        filters=f"{D}/filters/{LISTEN_TO}.csv",
    output:
        sounds=directory(f"{D}/sounds"),
    log:
        f"{D}/logs/auralise.log",
    benchmark:
        f"{D}/benchmarks/auralise.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(30),
    params:
        code=digests_of("steps/auralise"),
        front_end=FRONT_END,
        variant=LISTEN_TO,
        network=lambda wildcards: json.dumps(network_of(config, LISTEN_TO)),
    message:
        "Auralise the filters of {params.variant}"
    shell:
        """
        python -m workflow_scripts.steps.auralise \
            --front-end {params.front_end:q} \
            --features {input.features} \
            --index {input.index} \
            --folds {input.folds} \
            --tracks {input.tracks} \
            --scaler {input.scaler} \
            --variant {params.variant} \
            --network {params.network:q} \
            --weights {input.weights} \
            --predictions {input.predictions} \
            --filters {input.filters} \
            --sounds {output.sounds} \
            >{log} 2>&1
        """
