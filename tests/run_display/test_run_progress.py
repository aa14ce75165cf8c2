"""The work of a run that is done, and the time left, against numbers computed by hand."""

import json

import pytest

from tests.networks.test_forecast import epochs, settings
from workflow_scripts.networks import epoch_file
from workflow_scripts.networks.epoch_file import EpochFile
from workflow_scripts.run_display.run_progress import (
    OVERDUE,
    SECONDS,
    Forecast,
    PlannedJob,
    RunProgress,
)
from workflow_scripts.run_display.running_trainings import Result, training_at
from workflow_scripts.run_display.training_costs import START, TrainingCosts

# Seconds of an epoch by arithmetic; trainings of at most 40 epochs.
ROUGH = {"fast": 1.0, "slow": 10.0}


def costs(rough=ROUGH):
    return TrainingCosts(dict.fromkeys(ROUGH, settings()), lambda: rough)


class TestCosts:
    def test_a_training_is_its_epochs(self):
        own = costs()
        own.observe([])
        # 0.5 of 40 epochs are expected.
        assert own.left("slow", []) == pytest.approx(20 * 10)
        assert own.left("slow", epochs(3, 2, 1)) == pytest.approx(17 * 10)

    def test_an_epoch_of_one_variant_gives_the_pace_of_all(self):
        own = costs()
        own.observe([("fast", epochs(3, 2, seconds=3.0))])
        assert own.epoch("fast") == 3
        assert own.epoch("slow") == 30
        # Its own epochs replace the arithmetic.
        own.observe([("fast", epochs(3, 2, seconds=3.0)), ("slow", epochs(3, seconds=20.0))])
        assert own.epoch("slow") == 20

    def test_ended_trainings_say_how_many_epochs_and_how_long_a_start(self):
        own = costs()
        own.observe([])
        assert own.start() == START
        own.end("fast", Result(12, 2.0))
        own.end_job(3.0)
        own.end_job(4.0)
        # Shares: all (0.5 + 0.3) / 2 = 0.4; fast (0.4 + 0.3) / 2 = 0.35.
        assert own.left("slow", []) == pytest.approx(0.4 * 40 * 20)
        assert own.left("fast", []) == pytest.approx(0.35 * 40 * 2)
        assert own.start() == 3.5

    def test_the_last_trainings_say_how_fast_the_machine_is_now(self):
        own = costs()
        own.observe([])
        for seconds in (9.0, 2.0, 3.0, 4.0):
            own.end("fast", Result(20, seconds))
        assert own.epoch("fast") == 3
        assert own.epoch("slow") == 30
        # What runs is later still.
        own.observe([("fast", epochs(3, 2, seconds=1.0))])
        assert own.epoch("fast") == 1
        # The median of 1, 2, 3 and 4.
        assert own.epoch("slow") == 25

    def test_without_the_tracks_nothing_is_known(self):
        own = costs(rough=None)
        own.observe([("fast", epochs(3))])
        assert not own.has_weights() and not own.is_measured()
        own = costs()
        own.observe([])
        assert own.has_weights() and not own.is_measured()
        own.observe([("fast", epochs(3))])
        assert own.is_measured()


def run_of(*jobs, cores=2, **options):
    progress = RunProgress(costs(), cores, **options)
    progress.plan(dict(enumerate(jobs)))
    return progress


class TestJobs:
    def test_rules_have_their_numbers_of_jobs(self):
        progress = run_of(*[PlannedJob("evaluate")] * 3, PlannedJob("report"))
        progress.start(1, 0)
        progress.start(2, 0)
        progress.end(1, 4)
        assert progress.rules() == [("evaluate", 1, 3)]
        assert progress.jobs() == (1, 4)
        assert progress.running() == [2]
        progress.fail(2)
        assert progress.running() == []

    def test_a_new_plan_keeps_what_has_ended(self):
        progress = run_of(PlannedJob("list_tracks"), PlannedJob("intervene"))
        progress.start(0, 0)
        progress.end(0, 2)
        progress.plan({7: PlannedJob("intervene"), 8: PlannedJob("intervene")})
        assert progress.rules() == [("intervene", 0, 2)]
        assert progress.forecast(2).share == pytest.approx(2 / (2 + 2 * SECONDS["intervene"]))

    def test_ended_jobs_say_how_long_others_of_their_rule_take(self):
        progress = run_of(
            *[PlannedJob("evaluate")] * 4, PlannedJob("report", frozenset({0, 1, 2, 3}))
        )
        progress.start(0, 0)
        progress.start(1, 0)
        progress.end(0, 6)
        progress.end(1, 10)
        # Two more of 8 s side by side, then the report.
        assert progress.forecast(10) == Forecast(
            pytest.approx(16 / (16 + 16 + SECONDS["report"])), 8 + SECONDS["report"]
        )

    def test_a_running_job_counts_with_what_is_left(self):
        progress = run_of(PlannedJob("report"), cores=1)
        progress.start(0, 0)
        assert progress.forecast(5).seconds == SECONDS["report"] - 5
        late = progress.forecast(100)
        assert late.seconds == pytest.approx(OVERDUE * 100)

    def test_the_share_never_falls(self):
        progress = run_of(PlannedJob("report"), PlannedJob("report"), cores=1)
        progress.start(0, 0)
        progress.end(0, 1)
        before = progress.forecast(1).share
        progress.start(1, 1)
        progress.plan({1: PlannedJob("report"), 2: PlannedJob("download")})
        assert progress.forecast(1).share == before

    def test_nothing_is_foretold_of_jobs_in_a_queue(self):
        progress = run_of(PlannedJob("report"), waits_in_queue=lambda: True)
        assert progress.forecast(0) == Forecast(None, None)


class TestTrainings:
    @pytest.fixture
    def training(self, tmp_path):
        def make(variant="fast", fold=0):
            weights = tmp_path / f"models/{variant}/fold-{fold}/weights.npz"
            return training_at(weights, tmp_path)

        return make

    def job(self, *trainings, needs=(), gpus=0):
        return PlannedJob("train", frozenset(needs), gpus=gpus, trainings=trainings)

    def write(self, training, history):
        EpochFile(training.paths.folder / epoch_file.NAME).start(history)

    def finish(self, training, n_epochs, seconds):
        training.paths.folder.mkdir(parents=True, exist_ok=True)
        training.paths.fit.write_text(json.dumps({"n_epochs": n_epochs, "seconds": seconds}))

    def test_no_time_is_known_before_the_first_epoch(self, training):
        progress = run_of(self.job(training()))
        progress.start(0, 0)
        assert progress.forecast(2) == Forecast(pytest.approx(2 / (2 + 20 + START - 2)), None)
        self.write(training(), epochs(3, 2, seconds=2.0))
        # 18 of 20 epochs of 2 s.
        assert progress.forecast(8) == Forecast(pytest.approx(8 / (8 + 36)), 36)

    def test_a_resumed_training_counts_what_is_left(self, training):
        self.write(training(), epochs(*range(12, 0, -1), seconds=1.0))
        progress = run_of(self.job(training()))
        progress.start(0, 0)
        assert progress.forecast(6).seconds == pytest.approx(8)
        # 12 of its 20 epochs are of an earlier run.
        self.finish(training(), 20, 20.0)
        progress.end(0, 12)
        assert progress._costs.start() == pytest.approx(12 - 8)

    def test_donors_and_the_tail_come_one_after_the_other(self, training):
        slow = training("slow")
        progress = run_of(
            self.job(training()),
            self.job(slow),
            self.job(training("fast", 1), needs={1}),
            PlannedJob("report", frozenset({0, 1, 2})),
            cores=4,
        )
        progress.start(0, 0)
        progress.start(1, 0)
        self.write(training(), epochs(3, 2))
        self.write(slow, epochs(3, 2, seconds=10.0))
        # 18 epochs of 10 s; start and 20 epochs of 1 s; the report.
        expected = 180 + START + 20 + SECONDS["report"]
        assert progress.forecast(25).seconds == pytest.approx(expected)

    def test_an_ended_training_teaches(self, training):
        progress = run_of(self.job(training()), self.job(training(fold=1)), cores=1)
        progress.start(0, 0)
        self.finish(training(), 12, 24.0)
        progress.end(0, 27)
        progress.start(1, 27)
        self.write(training(fold=1), epochs(3, seconds=2.0))
        # Shares: all (0.5 + 0.3) / 2 = 0.4; fast (0.4 + 0.3) / 2 = 0.35: 14 epochs of 2 s.
        assert progress.forecast(32).seconds == pytest.approx(13 * 2)
        # Before its first epoch, the start of 3 s is left too.
        self.write(training(fold=1), [])
        assert progress.forecast(28).seconds == pytest.approx(14 * 2 + 2)

    def test_several_folds_in_a_job_add_up(self, training):
        folds = [training(fold=fold) for fold in range(3)]
        progress = run_of(self.job(*folds))
        progress.start(0, 0)
        for fold in folds:
            self.write(fold, epochs(3, 2))
        assert progress.forecast(9).seconds == pytest.approx(3 * 18)

    def test_a_fold_that_has_ended_teaches_before_its_job_ends(self, training):
        folds = [training(fold=fold) for fold in range(3)]
        self.finish(folds[1], 40, 40.0)
        progress = run_of(self.job(*folds))
        # A result of an earlier run, which Snakemake removes when the job starts.
        progress.start(0, 0)
        self.finish(folds[0], 12, 24.0)
        # Shares: all (0.5 + 0.3) / 2 = 0.4; fast (0.4 + 0.3) / 2 = 0.35: two of 14 epochs of 2 s.
        assert progress.forecast(50).seconds == pytest.approx(2 * 14 * 2)
        assert progress.rules() == [("train", 1, 3)]
        progress.end(0, 90)
        assert progress.rules() == [("train", 3, 3)]

    def test_gpus_limit_trainings(self, training):
        jobs = [self.job(training(fold=fold), gpus=1) for fold in range(2)]
        for gpus, seconds in ((1, 18 + START + 20), (2, 20 + START)):
            progress = run_of(*jobs, cores=8, gpus=gpus)
            progress.start(0, 0)
            self.write(training(), epochs(3, 2))
            assert progress.forecast(9).seconds == pytest.approx(seconds)
