"""What a run does before its first job.

Makes: the lock on the results; `start_run`, for the start of a run.
"""

from snakemake.logging import logger

from workflow_scripts.devices.gpus import cpu_note
from workflow_scripts.paths import ModelPaths
from workflow_scripts.workflow import replaced_trainings
from workflow_scripts.workflow.plan_shown import OnPlan
from workflow_scripts.workflow.run_lock import RunLock

RUN_LOCK = RunLock(RESULTS.folder)


def trainings_to_replace():
    """The finished trainings that this run, as it is planned, would replace.

    After a checkpoint more jobs may run than are planned before it: all trainings behind the
    targets then count.
    """
    jobs = [job for job in workflow.dag.jobs if job.rule.name == "train"]
    if not any(job.is_checkpoint for job in workflow.dag.needrun_jobs()):
        jobs = [job for job in jobs if workflow.dag.needrun(job)]
    planned = [
        replaced_trainings.Planned(
            ModelPaths(
                Path(job.wildcards.root), job.wildcards.variant, int(job.wildcards.fold)
            ),
            settings_of_job(job.wildcards),
        )
        for job in jobs
    ]
    return replaced_trainings.replaced(planned, config, RESULTS)


def check_replaced():
    """Stop a run that would replace finished trainings, unless the user allows it."""
    if REPLACE or workflow.touch:
        return
    try:
        replaced_trainings.check(trainings_to_replace(), RESULTS)
    except UserError as error:
        raise WorkflowError(encodable(str(error))) from None


def check_without_hooks():
    """What `start_run` checks, for a run without it; a dry run only says it."""
    if workflow.dryrun:
        if trainings := trainings_to_replace():
            text = replaced_trainings.sentence(trainings, RESULTS)
            stops = "" if REPLACE else "; without -n it stops and says what to do"
            print(f"note: {encodable(text)}{stops}", file=sys.stderr)
    elif workflow.execution_settings.no_hooks:
        check_replaced()


def start_run():
    """Lock the results, mark them with this checkout and save the configuration."""
    check_replaced()
    try:
        RUN_LOCK.acquire()
    except UserError as error:
        raise WorkflowError(encodable(str(error))) from None
    ownership.mark(RESULTS)
    planned = {job.rule.name for job in workflow.dag.needrun_jobs()}
    # An estimate makes no results, so its settings may differ from theirs.
    if planned != {"estimate"}:
        replaced_trainings.Ledger(RESULTS).write(
            [RESULTS.folder, *RESULTS.folder.glob("seeds/*")]
        )
        configuration.keep(config, RESULTS, ROWS.all_variants)
    if note := cpu_note(config["engine"], workflow.local_exec):
        print(note, file=sys.stderr)


if workflow.is_main_process:
    logger.addHandler(OnPlan(check_without_hooks))
