"""Show a run of Snakemake by our lines: its jobs, what they need, what they train."""

import logging
import math
from collections.abc import Callable
from typing import Any

from workflow_scripts.run_display.run_handler import replace_output
from workflow_scripts.run_display.run_progress import PlannedJob, RunProgress
from workflow_scripts.run_display.running_trainings import Training
from workflow_scripts.run_display.training_costs import TrainingCosts

Trainings = Callable[[Any], tuple[Training, ...]]


def show(
    workflow: Any,
    logger: logging.Logger,
    costs: Callable[[], TrainingCosts] = lambda: TrainingCosts({}, dict),
    trainings: Trainings = lambda job: (),
    gpus: int = 0,
) -> None:
    """Show the run that starts, of Snakemake's `workflow`, in place of Snakemake's lines.

    `trainings(job)` are those of a job, `costs()` what they cost; a job that has some occupies
    `gpus`.
    """
    replace_output(
        logger,
        workflow.output_settings,
        lambda: _progress(workflow, costs()),
        lambda: _planned_jobs(workflow, trainings, gpus),
    )


def _progress(workflow: Any, costs: TrainingCosts) -> RunProgress:
    """The progress of a run of which nothing is done yet."""
    gpus = workflow.global_resources.get("gpu")
    return RunProgress(
        costs,
        workflow.resource_settings.cores or math.inf,
        gpus.value if gpus and gpus.value is not None else math.inf,
        lambda: not workflow.local_exec,
    )


def _planned_jobs(workflow: Any, trainings: Trainings, gpus: int) -> dict[int, PlannedJob]:
    """The jobs that are still to do, by their numbers, in the order of the rules."""
    dag = workflow.dag
    places = {rule.name: place for place, rule in enumerate(workflow.rules)}
    planned = {}
    for job in sorted(dag.needrun_jobs(), key=lambda job: places[job.rule.name]):
        needs = frozenset(map(dag.jobid, dag.dependencies[job]))
        own = trainings(job)
        planned[dag.jobid(job)] = PlannedJob(
            job.rule.name, needs, gpus=gpus if own else 0, trainings=own
        )
    return planned
