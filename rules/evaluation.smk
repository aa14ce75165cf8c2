"""Predictions, baselines and Table I.

Needs: the shared features and tempi; results/<name>/models/, tracks.csv, folds.csv, skipped.csv,
replicas.csv, scaler.json.
Makes: predictions/<variant>/fold-<k>.csv, baselines.csv, table1.csv, .md and .tex;
predictions.csv, per_class.csv, confusions.csv; sweeps.csv if there are sweeps.
"""


# It reads only tables and takes seconds on one core.
localrules:
    tabulate,


rule evaluate:
    input:
        features=FEATURES,
        index=FEATURE_INDEX,
        listed=listed,
        folds=assigned_folds,
        scaler="{root}/scaler.json",
        weights=expand(
            "{{root}}/models/{{variant}}/fold-{fold}/weights.npz", fold=FOLDS
        ),
        # Made together with the weights: they rerun nothing by themselves.
        fits=expand("{{root}}/models/{{variant}}/fold-{fold}/fit.json", fold=FOLDS),
    output:
        predictions=expand(
            "{{root}}/predictions/{{variant}}/fold-{fold}.csv", fold=FOLDS
        ),
    log:
        "{root}/logs/evaluate/{variant}.log",
    benchmark:
        "{root}/benchmarks/evaluate/{variant}.tsv"
    conda:
        ENGINE_ENVIRONMENT
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        code=digests_of("steps/evaluate", ENGINE_MODULE),
        front_end=FRONT_END,
        network=network,
        engine=config["engine"],
        settings=training_settings,
    message:
        f"Evaluate {{wildcards.variant}}{IN_ROOT}"
    shell:
        """
        python -m workflow_scripts.steps.evaluate \
            --front-end {params.front_end:q} \
            --features {input.features} \
            --index {input.index} \
            --folds {input.folds} \
            --scaler {input.scaler} \
            --variant {wildcards.variant} \
            --network {params.network:q} \
            --engine {params.engine} \
            --weights {input.weights} \
            --fits {input.fits} \
            --settings {params.settings:q} \
            --predictions {output.predictions} \
            >{log} 2>&1
        """


rule evaluate_baselines:
    input:
        features=FEATURES,
        index=FEATURE_INDEX,
        listed=listed,
        folds=assigned_folds,
        tempi=TEMPI,
        tracks=f"{D}/tracks.csv",
    output:
        baselines="{root}/baselines.csv",
    log:
        "{root}/logs/evaluate_baselines.log",
    benchmark:
        "{root}/benchmarks/evaluate_baselines.tsv"
    # It reads all features.
    localrule: OF_KNOWN_SIZE
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(60),
    params:
        code=digests_of("steps/evaluate_baselines"),
        front_end=FRONT_END,
    message:
        f"Evaluate the baselines{IN_ROOT}"
    shell:
        """
        python -m workflow_scripts.steps.evaluate_baselines \
            --front-end {params.front_end:q} \
            --features {input.features} \
            --index {input.index} \
            --folds {input.folds} \
            --tempi {input.tempi} \
            --tracks {input.tracks} \
            --baselines {output.baselines} \
            >{log} 2>&1
        """


rule tabulate:
    input:
        listed=listed,
        folds=assigned_folds_of_all,
        baselines=of_each_seed("baselines.csv"),
        skipped=f"{D}/skipped.csv",
        replicas=f"{D}/replicas.csv",
        predictions=of_each_seed("predictions/{variant}/fold-{fold}.csv"),
        # Made together with the weights behind the predictions: they rerun nothing by themselves.
        fits=of_each_seed("models/{variant}/fold-{fold}/fit.json"),
        histories=of_each_seed("models/{variant}/fold-{fold}/history.csv"),
    output:
        table=report(
            f"{D}/table1.csv", caption="captions/table1.rst", category="Tables"
        ),
        markdown=f"{D}/table1.md",
        latex=f"{D}/table1.tex",
        tidy=expand(
            "{D}/{table}.csv", D=D, table=("predictions", "per_class", "confusions")
        ),
        sweeps=SWEEPS,
    log:
        f"{D}/logs/tabulate.log",
    benchmark:
        f"{D}/benchmarks/tabulate.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(3000),
        runtime=growing(10),
    params:
        code=digests_of("steps/tabulate"),
        front_end=FRONT_END,
        variants=json.dumps(config["variants"]),
        sweeps=json.dumps(ROWS.sweeps),
        dataset=config["dataset"],
        name=config["name"],
    message:
        "Write Table I"
    shell:
        """
        python -m workflow_scripts.steps.tabulate \
            --front-end {params.front_end:q} \
            --folds {input.folds} \
            --skipped {input.skipped} \
            --replicas {input.replicas} \
            --baselines {input.baselines} \
            --variants {params.variants:q} \
            --predictions {input.predictions} \
            --fits {input.fits} \
            --histories {input.histories} \
            --sweeps {params.sweeps:q} \
            --dataset {params.dataset} \
            --name {params.name} \
            --table {output.table} \
            >{log} 2>&1
        """
