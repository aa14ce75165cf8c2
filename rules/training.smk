"""Training: every variant on every fold.

Needs: the shared features; results/<name>/folds.csv, scaler.json; onsets with `sampling: onset`.
Makes: models/<variant>/fold-<k>/weights.npz, history.csv, fit.json; estimate writes no file.

Of each seed: those of seeds/<seed>/ need and make the files of the same names there.
"""


rule train:
    input:
        features=FEATURES,
        index=FEATURE_INDEX,
        listed=listed,
        folds=assigned_folds,
        scaler="{root}/scaler.json",
        onsets=ONSETS if config["sampling"] == "onset" else [],
        donors=donors,
    output:
        weights=of_job("weights.npz"),
        history=of_job("history.csv"),
        fit=of_job("fit.json"),
    log:
        f"{{root}}/logs/train/{{variant}}/{JOB}.log",
    benchmark:
        f"{{root}}/benchmarks/train/{{variant}}/{JOB}.tsv"
    # The longest jobs start first: the short ones after them then occupy all cores to the end.
    priority: 1
    conda:
        ENGINE_ENVIRONMENT
    threads: 1
    resources:
        gpu=gpus_a_training,
        # Segments that do not fit are read on demand.
        mem_mb=growing(2000),
        runtime=growing(1440),
    params:
        code=digests_of("steps/train", ENGINE_MODULE),
        front_end=FRONT_END,
        network=network,
        training=training,
        seed=seed,
        validation=config["validation"],
        sampling=config["sampling"],
        hop=config["sampling_hop"] if config["sampling"] == "overlapping" else 1,
        augmentation=json.dumps(config["augmentation"]),
        engine=config["engine"],
        # Snakemake does not compare parameters that it derives from other parts of the job, such as
        # its output: one fold a job or all give the same files.
        folds=lambda wildcards, output: folds_of(output.weights),
        # Not an output: Snakemake removes outputs of a failed job, and the next job continues from
        # this file.
        checkpoint=lambda wildcards, output: checkpoints_of(output.weights),
        adopted=lambda wildcards, output: adopted_models(output.weights),
        sharing=trainings_a_gpu,
    message:
        f"Train {{wildcards.variant}}, {TITLE_OF_JOB}{IN_ROOT}"
    # exec: the training replaces the shell. At a time limit the shell would end at once, and the
    # cluster would kill the training before it saves its checkpoint.
    shell:
        """
        exec python -m workflow_scripts.steps.train \
            --front-end {params.front_end:q} \
            --features {input.features} \
            --index {input.index} \
            --folds {input.folds} \
            --scaler {input.scaler} \
            --variant {wildcards.variant} \
            --network {params.network:q} \
            --training {params.training:q} \
            --fold {params.folds} \
            --seed {params.seed} \
            --validation {params.validation} \
            --sampling {params.sampling} \
            --hop {params.hop} \
            --onsets {input.onsets} \
            --augmentation {params.augmentation:q} \
            --memory-mb {resources.mem_mb} \
            --engine {params.engine} \
            --gpus {resources.gpu} \
            --trainings-per-gpu {params.sharing} \
            --donors {input.donors} \
            --checkpoint {params.checkpoint} \
            --adopted {params.adopted} \
            --weights {output.weights} \
            --history {output.history} \
            --fit {output.fit} \
            >{log} 2>&1
        """


localrules:
    estimate,


rule estimate:
    input:
        unpack(data_to_estimate),
    # No benchmark: an existing file would make the rule up to date.
    log:
        f"{D}/logs/estimate.log",
    conda:
        ENGINE_ENVIRONMENT
    # All cores and GPUs of the run: no other job may run while steps are timed.
    threads: 1024
    resources:
        gpu=lambda wildcards: len(gpus_here()) * trainings_a_gpu(),
        mem_mb=500,
        runtime=10,
    params:
        front_end=FRONT_END,
        variants=json.dumps(
            {
                name: {
                    "network": network_of(config, name),
                    "training": training_of(config, name),
                }
                for name in config["variants"]
            }
        ),
        folds=len(FOLDS),
        seeds=len(SEEDS),
        folds_per_job=len(FOLDS_OF_JOB),
        hop=f"--hop {hop_to_estimate()}" if hop_to_estimate() else "",
        engine=config["engine"],
        sharing=trainings_a_gpu,
        data=lambda wildcards, input: " ".join(
            f"--{name} {files}" for name, files in input.items()
        ),
    message:
        "Time a few steps of each variant"
    shell:
        """
        python -m workflow_scripts.steps.estimate \
            --front-end {params.front_end:q} \
            --variants {params.variants:q} \
            --n-folds {params.folds} \
            --n-seeds {params.seeds} \
            --folds-per-job {params.folds_per_job} \
            {params.hop} \
            --engine {params.engine} \
            --cores {threads} \
            --gpus {resources.gpu} \
            --trainings-per-gpu {params.sharing} \
            {params.data} \
            2>{log}
        """
