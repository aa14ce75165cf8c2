"""What a run does before its first job.

Makes: the locks on the results and on the shared features; `start_run`, for the start of a run.
"""

from snakemake.logging import logger

from workflow_scripts.devices.gpus import cpu_note
from workflow_scripts.networks.training import Settings
from workflow_scripts.paths import ModelPaths
from workflow_scripts.run_display import shown_run
from workflow_scripts.run_display.rough_epochs import rough_epochs
from workflow_scripts.run_display.running_trainings import training_at
from workflow_scripts.run_display.training_costs import TrainingCosts
from workflow_scripts.workflow import replaced_trainings
from workflow_scripts.workflow.events import JOBS, PLAN, RUN, OnEvent
from workflow_scripts.workflow.feature_lock import FeatureLock
from workflow_scripts.workflow.run_lock import RunLock
from workflow_scripts.workflow.shared_features import describe

RUN_LOCK = RunLock(RESULTS.folder)
# Of what depends on the audio only, and of what depends on the front end too: experiments with two
# front ends may extract at the same time.
FEATURE_LOCKS = {F: FeatureLock(SHARED.folder), E: FeatureLock(SHARED.front_end)}
WRITERS = {F: ("list_tracks", "detect_tempo"), E: ("extract_mel", "detect_onsets")}


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
            ModelPaths(Path(job.wildcards.root), job.wildcards.variant, int(fold)),
            settings_of_job(job.wildcards),
        )
        for job in jobs
        for fold in folds_of(job.output.weights)
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


def are_written(folder):
    """Whether a job that writes into this folder, F or E, has not ended yet."""
    jobs = workflow.dag.needrun_jobs()
    return any(job.rule.name in WRITERS[folder] for job in jobs)


def are_read(folder):
    """Whether a planned job reads from this folder, F or E."""
    files = (Path(f) for job in workflow.dag.needrun_jobs() for f in job.input)
    # F contains the folders of all front ends.
    own = {Path(folder), Path(folder, "contents"), Path(folder, "tempi")}
    own.add(Path(folder, "onsets"))
    return any(file.parent in own for file in files)


def lock_features():
    """Lock those shared features that this run writes or reads."""
    for folder, lock in FEATURE_LOCKS.items():
        if (writes := are_written(folder)) or are_read(folder):
            lock.acquire(writes)
    if any(map(are_written, FEATURE_LOCKS)):
        describe(SHARED, config["audio_dir"], FrontEnd.from_config(config["front_end"]))
        ownership.mark(SHARED)


def share_features():
    """Let other runs read shared features if this run has written them all."""
    for folder, lock in FEATURE_LOCKS.items():
        if lock.writes and not are_written(folder):
            if folder == E:
                remove_leftovers(SHARED.front_end)
            lock.share()


def release_locks():
    """Let other runs use the results and the shared features."""
    for lock in [RUN_LOCK, *FEATURE_LOCKS.values()]:
        lock.release()


def start_run():
    """Lock results and features, mark the results with this checkout, save the configuration."""
    check_replaced()
    try:
        RUN_LOCK.acquire()
        lock_features()
    except UserError as error:
        release_locks()
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


def say_where_results_are():
    """Print the files of table and report, unless this run made an estimate only."""
    if {job.rule.name for job in workflow.dag.finished_jobs} == {"estimate"}:
        return
    table, report = RESULTS.tables[0], RESULTS.folder / "report.html"
    if table.exists():
        print(f"Table I is in {D}/table1.csv, .md and .tex.", file=sys.stderr)
    if report.exists():
        print(f"The report is {report}: open it in a browser.", file=sys.stderr)


def trainings_of(job):
    """The trainings of a job, fold by fold."""
    weights = [file for file in map(Path, job.output) if file.name == "weights.npz"]
    return tuple(training_at(file, RESULTS.folder) for file in weights)


def costs_of_trainings():
    """What the trainings of this run cost, before any has run."""
    settings = {
        name: Settings(**training_of(config, name)) for name in config["variants"]
    }
    return TrainingCosts(
        settings, lambda: rough_epochs(config, RESULTS, SHARED, hop_to_estimate())
    )


def show_run():
    """Show this run in fewer lines than Snakemake does, and how long it will take."""
    gpus = 1 if gpus_here() else 0
    shown_run.show(workflow, logger, costs_of_trainings, trainings_of, gpus)


if workflow.is_main_process:
    logger.addHandler(OnEvent(RUN, show_run))
    logger.addHandler(OnEvent(PLAN, check_without_hooks))
    logger.addHandler(OnEvent(JOBS, share_features))
