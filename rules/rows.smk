"""A target for each row of the table: `snakemake time_1x60` makes and prints that of time_1x60.

Needs: results/<name>/predictions/, models/, baselines.csv, folds.csv, skipped.csv, replicas.csv.
Makes: rows/<variant>.csv and .md.
"""


# The first reads only tables and takes seconds on one core.
localrules:
    tabulate_row,


rule tabulate_row:
    input:
        listed=listed,
        folds=assigned_folds_of_all,
        baselines=of_each_seed("baselines.csv"),
        skipped=f"{D}/skipped.csv",
        replicas=f"{D}/replicas.csv",
        predictions=of_row("predictions/{variant}/fold-{fold}.csv"),
        # Made together with the weights behind the predictions: they rerun nothing by themselves.
        fits=of_row("models/{variant}/fold-{fold}/fit.json"),
        histories=of_row("models/{variant}/fold-{fold}/history.csv"),
    output:
        table=f"{D}/rows/{{variant}}.csv",
        markdown=f"{D}/rows/{{variant}}.md",
    log:
        f"{D}/logs/tabulate_row/{{variant}}.log",
    benchmark:
        f"{D}/benchmarks/tabulate_row/{{variant}}.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(10),
    params:
        code=digests_of("steps/tabulate_row"),
        front_end=FRONT_END,
        variants=lambda wildcards: json.dumps(
            {wildcards.variant: config["variants"][wildcards.variant]}
        ),
        dataset=config["dataset"],
        name=config["name"],
    message:
        "Write the row of {wildcards.variant}"
    shell:
        """
        python -m workflow_scripts.steps.tabulate_row \
            --front-end {params.front_end:q} \
            --folds {input.folds} \
            --skipped {input.skipped} \
            --replicas {input.replicas} \
            --baselines {input.baselines} \
            --variants {params.variants:q} \
            --predictions {input.predictions} \
            --fits {input.fits} \
            --histories {input.histories} \
            --dataset {params.dataset} \
            --name {params.name} \
            --table {output.table} \
            >{log} 2>&1
        """


RULES = {rule.name for rule in workflow.rules}

for variant in config["variants"]:
    if variant in RULES:
        if workflow.is_main_process:
            print(
                f"note: {variant} is a rule of the workflow, so the variant of this name has no "
                f"target but {D}/rows/{variant}.csv",
                file=sys.stderr,
            )
    else:

        # No output: it prints the row each time.
        rule:
            name:
                variant
            input:
                row=f"{D}/rows/{variant}.csv",
                markdown=f"{D}/rows/{variant}.md",
            log:
                f"{D}/logs/rows/{variant}.log",
            localrule: True
            conda:
                "../envs/cpu.yaml"
            message:
                f"Show the row of {variant}, {D}/rows/{variant}.csv"
            shell:
                "cat {input.markdown} | tee {log}"
