"""Cross-validation.

Needs: results/<name>/labels.csv.
Makes: folds.csv.
"""


localrules:
    assign_folds,


rule assign_folds:
    input:
        listed=listed,
        labels=f"{D}/labels.csv",
    output:
        folds=f"{D}/folds.csv",
    log:
        f"{D}/logs/assign_folds.log",
    benchmark:
        f"{D}/benchmarks/assign_folds.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(30),
    params:
        code=digests_of("steps/assign_folds"),
        folds=config["folds"],
        seed=config["seed"],
        unstratified="" if config["stratified"] else "--unstratified",
        validation=config["validation"],
    message:
        "Assign the tracks to {params.folds} folds"
    shell:
        """
        python -m workflow_scripts.steps.assign_folds \
            --labels {input.labels} \
            --n-folds {params.folds} \
            --seed {params.seed} \
            {params.unstratified} \
            --validation {params.validation} \
            --folds {output.folds} \
            >{log} 2>&1
        """
