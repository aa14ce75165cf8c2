"""How much of a run's work is done, and how long the rest takes."""

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import mean

from workflow_scripts.networks.training import Epoch
from workflow_scripts.run_display.running_trainings import Result, Training
from workflow_scripts.run_display.schedule import Task, makespan
from workflow_scripts.run_display.training_costs import TrainingCosts

# Seconds of a job of each rule in the demo, as long as none of this run has ended; others take one.
SECONDS = {
    "synthesise": 2.5,
    "extract_mel": 1.5,
    "detect_onsets": 1.5,
    "detect_tempo": 3.5,
    "interpret": 2.0,
    "intervene": 4.0,
    "auralise": 3.5,
    "tabulate": 2.0,
    "report": 20.0,
    "unpack": 60.0,
    "download": 300.0,
    "all": 0.0,
}
# A job that takes longer than expected takes this share of its time so far again.
OVERDUE = 0.1


@dataclass(frozen=True)
class PlannedJob:
    """A job of a run: its rule, the jobs that it needs, what it occupies, what it trains."""

    rule: str
    needs: frozenset[int] = frozenset()
    cores: int = 1
    gpus: int = 0
    trainings: tuple[Training, ...] = ()


@dataclass(frozen=True)
class Forecast:
    """The share of the work that is done, 0 to 1; the seconds left. None if not yet known."""

    share: float | None
    seconds: float | None


@dataclass
class _Past:
    """What has happened to a job: when it started and ended.

    Of its trainings: the epochs that they had before, the results of an earlier run, those of this.
    """

    started: float | None = None
    ended: float | None = None
    epochs: dict[Training, int] = field(default_factory=dict)
    earlier: dict[Training, Result | None] = field(default_factory=dict)
    results: dict[Training, Result] = field(default_factory=dict)


class RunProgress:
    """The progress of a run on `cores` and `gpus`; times are seconds of one clock.

    Nothing is foretold if `waits_in_queue()`, which is known only after the start: jobs of a
    cluster.
    """

    def __init__(
        self,
        costs: TrainingCosts,
        cores: float,
        gpus: float = math.inf,
        waits_in_queue: Callable[[], bool] = lambda: False,
    ) -> None:
        self._costs, self._cores, self._gpus = costs, cores, gpus
        self._waits_in_queue = waits_in_queue
        self._jobs: dict[int, PlannedJob] = {}
        self._past: dict[int, _Past] = {}
        self._durations: dict[str, list[float]] = {}
        # Of the trainings that have not ended; only those of running jobs change.
        self._epochs: dict[Training, list[Epoch]] = {}
        # In the order of the first plan.
        self._rules: list[str] = []
        self._share = 0.0

    def plan(self, jobs: Mapping[int, PlannedJob]) -> None:
        """Take the plan, which changes when a checkpoint has ended. Ended jobs remain."""
        ended = {job: self._jobs[job] for job in self._jobs if self._is_ended(job)}
        self._jobs = ended | dict(jobs)
        for planned in jobs.values():
            for training in planned.trainings:
                if training not in self._epochs:
                    self._epochs[training] = training.epochs()
        self._rules += dict.fromkeys(
            job.rule for job in jobs.values() if job.rule not in self._rules
        )

    def start(self, job: int, now: float) -> None:
        """Note that a job starts."""
        trainings = self._jobs[job].trainings if job in self._jobs else ()
        self._past[job] = _Past(
            now,
            epochs={training: len(self._epochs[training]) for training in trainings},
            earlier={training: training.result() for training in trainings},
        )

    def end(self, job: int, now: float) -> None:
        """Note that a job has ended."""
        past = self._past.setdefault(job, _Past())
        past.ended = now
        planned = self._jobs.get(job)
        if planned is None or past.started is None:
            return
        seconds = now - past.started
        if not planned.trainings:
            self._durations.setdefault(planned.rule, []).append(seconds)
            return
        self._note_results(job)
        in_epochs = (
            (result.n_epochs - past.epochs.get(training, 0)) * result.epoch_seconds
            for training, result in past.results.items()
        )
        self._costs.end_job(max(seconds - sum(in_epochs), 0.0))

    def fail(self, job: int) -> None:
        """Note that a job has failed; it may start again."""
        self._past.pop(job, None)

    def rules(self) -> list[tuple[str, int, int]]:
        """Rules with several jobs, in the order of the plan: ended jobs, all jobs.

        Of jobs that train, each training counts: one job may train all folds of a variant.
        """
        done, total = Counter[str](), Counter[str]()
        for job, planned in self._jobs.items():
            n = max(len(planned.trainings), 1)
            total[planned.rule] += n
            past = self._past.get(job, _Past())
            done[planned.rule] += n if self._is_ended(job) else len(past.results)
        return [(rule, done[rule], total[rule]) for rule in self._rules if total[rule] > 1]

    def jobs(self) -> tuple[int, int]:
        """Numbers of ended jobs and of all."""
        return sum(map(self._is_ended, self._jobs)), len(self._jobs)

    def running(self) -> list[int]:
        """Numbers of the jobs that run, the first to start first."""
        times = {
            job: past.started
            for job, past in self._past.items()
            if past.started is not None and past.ended is None
        }
        return sorted(times, key=lambda job: times[job])

    def forecast(self, now: float) -> Forecast:
        """What is done and what is left. The share never falls."""
        running = {job for job in self.running() if job in self._jobs}
        for job in running:
            self._note_results(job)
            for training in self._jobs[job].trainings:
                self._epochs[training] = training.epochs()
        self._costs.observe(
            (training.variant, self._epochs[training])
            for job in running
            for training in self._jobs[job].trainings
            if training not in self._past[job].results
        )
        tasks = {
            job: Task(self._left(job, now), planned.needs, planned.cores, planned.gpus)
            for job, planned in self._jobs.items()
            if not self._is_ended(job)
        }
        left = sum(task.seconds for task in tasks.values())
        done = sum(
            (now if past.ended is None else past.ended) - past.started
            for past in self._past.values()
            if past.started is not None
        )
        trains = any(self._jobs[job].trainings for job in tasks)
        is_known = self._costs.has_weights() or not trains
        if self._waits_in_queue() or not is_known or not left + done:
            return Forecast(None, None)
        self._share = max(self._share, done / (left + done))
        if trains and not self._costs.is_measured():
            return Forecast(self._share, None)
        return Forecast(self._share, makespan(tasks, self._cores, self._gpus, running))

    def _is_ended(self, job: int) -> bool:
        past = self._past.get(job)
        return past is not None and past.ended is not None

    def _note_results(self, job: int) -> None:
        """Take the trainings of a job that have ended; those of an earlier run do not count."""
        past = self._past[job]
        for training in self._jobs[job].trainings:
            result = training.result()
            if result in (None, past.earlier.get(training)) or training in past.results:
                continue
            past.results[training] = result
            self._costs.end(training.variant, result)

    def _left(self, job: int, now: float) -> float:
        """Seconds that the job still takes."""
        planned, past = self._jobs[job], self._past.get(job, _Past())
        elapsed = None if past.started is None else now - past.started
        if planned.trainings:
            to_train = [t for t in planned.trainings if t not in past.results]
            has_begun = past.results or any(self._epochs[training] for training in to_train)
            start = 0.0
            if elapsed is None or not has_begun:
                start = max(self._costs.start() - (elapsed or 0.0), 0.0)
            return start + sum(self._costs.left(t.variant, self._epochs[t]) for t in to_train)
        durations = self._durations.get(planned.rule)
        expected = mean(durations) if durations else SECONDS.get(planned.rule, 1.0)
        if elapsed is None:
            return expected
        return max(expected - elapsed, OVERDUE * elapsed)
