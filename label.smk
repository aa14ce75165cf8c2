"""Label a folder of music with trained models.

    make label MODEL=results/NAME/model.zip AUDIO=FOLDER

or, on a cluster or with other options,

    snakemake --snakefile label.smk --cores 8 --config model=FILE audio_dir=FOLDER

Needs: a model file and a folder of audio, not the experiment that made the model.
Makes: results/<name>/labels.csv and .json; `name` is "labelled" by default.
"""

import sys
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.logging import logger
from snakemake.utils import min_version

from workflow_scripts.atomic_files import remove_leftovers
from workflow_scripts.dataset.digests import digest_of_file
from workflow_scripts.dataset.scan import fingerprint_of_all
from workflow_scripts.errors import UserError, encodable
from workflow_scripts.paths import ResultPaths
from workflow_scripts.run_display import shown_run
from workflow_scripts.workflow import labelling_configuration, ownership, typed_text
from workflow_scripts.workflow.code_digests import digests_of, offer_to_jobs
from workflow_scripts.workflow.events import RUN, OnEvent
from workflow_scripts.workflow.job_resources import growing
from workflow_scripts.workflow.run_lock import RunLock

min_version("9.20")

try:
    labelling_configuration.complete(config, workflow.config_settings.config_args)
    RESULTS = ResultPaths(Path("results", config["name"]))
    if workflow.is_main_process:
        typed_text.check_profile(
            workflow.config_settings.config_args,
            labelling_configuration.TEXTS,
            sys.argv,
        )
        labelling_configuration.check_results(config, RESULTS)
        ownership.check(RESULTS)
except UserError as error:
    raise WorkflowError(encodable(str(error))) from None

offer_to_jobs()

D = f"results/{config['name']}"
RUN_LOCK = RunLock(RESULTS.folder)
SHARDS = range(config["shards"])
# Read once, not for each shard.
model_digest = cache(digest_of_file)


if workflow.is_main_process:
    logger.addHandler(OnEvent(RUN, lambda: shown_run.show(workflow, logger)))


rule label:
    default_target: True
    input:
        table=f"{D}/labels.csv",
    message:
        "The labels are in {input.table}"


# On a cluster these run where Snakemake runs: they take seconds on one core.
localrules:
    list_audio,
    collect_labels,


checkpoint list_audio:
    output:
        shards=expand("{D}/to_label/shard-{shard}.json", D=D, shard=SHARDS),
    log:
        f"{D}/logs/list_audio.log",
    benchmark:
        f"{D}/benchmarks/list_audio.tsv"
    conda:
        "envs/label.yaml"
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
        shard=lambda wildcards: checkpoints.list_audio.get().output.shards[
            int(wildcards.shard)
        ],
        model=lambda wildcards: config["model"],
    output:
        labels=f"{D}/labels/shard-{{shard}}.json",
    log:
        f"{D}/logs/label_shard/shard-{{shard}}.log",
    benchmark:
        f"{D}/benchmarks/label_shard/shard-{{shard}}.tsv"
    conda:
        "envs/label.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(240),
    params:
        code=digests_of("steps/label_shard"),
        # A copied file may be older than the labels of the model that it replaces.
        model_digest=lambda wildcards: model_digest(config["model"]),
    message:
        "Label the tracks of shard {wildcards.shard}"
    shell:
        """
        python -m workflow_scripts.steps.label_shard \
            --model {input.model:q} \
            --shard {input.shard} \
            --threads {threads} \
            --labels {output.labels} \
            >{log} 2>&1
        """


rule collect_labels:
    input:
        shards=expand("{D}/labels/shard-{shard}.json", D=D, shard=SHARDS),
    output:
        table=f"{D}/labels.csv",
        details=f"{D}/labels.json",
    log:
        f"{D}/logs/collect_labels.log",
    benchmark:
        f"{D}/benchmarks/collect_labels.tsv"
    conda:
        "envs/label.yaml"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(30),
    params:
        code=digests_of("steps/collect_labels"),
    message:
        "Collect the labels"
    shell:
        """
        : >{log}
        python -m workflow_scripts.steps.collect_labels \
            --shards {input.shards} \
            --labels {output.table} \
            2>>{log} | tee -ai {log}
        """


onstart:
    try:
        RUN_LOCK.acquire()
    except UserError as error:
        raise WorkflowError(encodable(str(error))) from None
    ownership.mark(RESULTS)
    labelling_configuration.keep(config, RESULTS)


onerror:
    RUN_LOCK.release()


onsuccess:
    remove_leftovers(RESULTS.folder)
    RUN_LOCK.release()
