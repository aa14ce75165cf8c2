"""The lines of a run: one a job, errors with the log of the step and without its command."""

import io
import logging

import pytest
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.common import LogEvent

from workflow_scripts.run_display.run_handler import RunDisplay, replace_output
from workflow_scripts.run_display.run_lines import MOST_LINES, RunLines, plan
from workflow_scripts.run_display.run_progress import RunProgress
from workflow_scripts.run_display.training_costs import TrainingCosts

TITLE = "Train time_1x60, fold 3"


def record(event=None, message=None, level=logging.INFO, **fields):
    entry = logging.LogRecord("snakemake", level, __file__, 1, message, None, None)
    vars(entry).update(fields)
    if event is not None:
        entry.event = event
    return entry


def started(title=TITLE, job=7, rule="train", **fields):
    wildcards = {"variant": "time_1x60", "fold": "3"}
    described = {"rule_msg": title, "rule_name": rule, "wildcards": wildcards, "reason": "new"}
    return record(LogEvent.JOB_INFO, jobid=job, output=["a"], shellcmd="x", **described | fields)


def failed(*logs, **aux):
    return record(LogEvent.JOB_ERROR, jobid=7, rule_name="train", log=logs, aux=aux)


@pytest.fixture
def lines():
    return RunLines(logging.Formatter(), reasons=False, failed_logs=True)


def test_a_job_is_its_message(lines):
    assert lines.text(started()) == TITLE
    assert lines.text(started(title=None)) == "train time_1x60 3"
    with_reasons = RunLines(logging.Formatter(), reasons=True, failed_logs=True)
    assert with_reasons.text(started()) == f"{TITLE}\n    reason: new"


@pytest.mark.parametrize(
    "event",
    [LogEvent.JOB_FINISHED, LogEvent.PROGRESS, LogEvent.SHELLCMD, LogEvent.RESOURCES_INFO],
)
def test_snakemakes_other_lines_of_a_job_are_left_out(lines, event):
    assert lines.text(record(event, "text")) is None


def test_what_is_left_out_says_nothing_about_the_work(lines):
    for text in ("Building DAG of jobs...", "Select jobs to execute...", "Using shell: /bin/sh"):
        assert lines.text(record(message=text)) is None
    for text in (
        "Nothing to be done (all requested files are present).",
        "Trying to restart job 7.",
    ):
        assert lines.text(record(message=text)) == text


def test_a_plan_is_a_line():
    stats = {"fit_scaler": 1, "train": 60, "all": 1, "total": 62}
    assert plan(stats) == "61 jobs: fit_scaler, train (60)"
    assert plan({"estimate": 1, "total": 1}) == "1 job: estimate"


def test_an_error_has_the_log_of_the_step_but_no_command(lines, tmp_path):
    log = tmp_path / "fold-3.log"
    log.write_text("epoch 1: train loss nan\nerror: training diverged\n")
    command = "Command 'set -euo pipefail;\n   python --network \"{'a': 1}\" >log 2>&1'"
    text = f"RuleException:\nCalledProcessError in file train.smk, line 7:\n{command} "
    lines.text(started())
    assert lines.text(record(LogEvent.ERROR, f"{text}returned non-zero exit status 1.")) is None
    assert lines.text(failed(str(log), external_jobid="4711")) == (
        f"error: failed: {TITLE}\n"
        "    external_jobid: 4711\n"
        f"    its log {log}:\n"
        "    | epoch 1: train loss nan\n"
        "    | error: training diverged"
    )
    killed = lines.text(record(LogEvent.ERROR, f"{text}died with <Signals.SIGKILL: 9>."))
    assert killed == "error: the command of a job died with <Signals.SIGKILL: 9>."
    assert (
        lines.text(record(LogEvent.ERROR, "WorkflowError:\nno input")) == "WorkflowError:\nno input"
    )


def test_an_error_says_what_is_with_the_log(lines, tmp_path):
    log = tmp_path / "a.log"
    assert lines.text(failed(str(log))).endswith(f"its log {log} does not exist")
    log.write_text("")
    assert lines.text(failed(str(log))).endswith(f"its log {log} is empty")
    log.write_bytes(b"\xff\n" + b"".join(b"%d\n" % n for n in range(100)))
    shown = lines.text(failed(str(log))).splitlines()
    assert shown[1] == f"    its log {log}, the last {MOST_LINES} of 101 lines:"
    assert shown[2:] == [f"    | {n}" for n in range(100 - MOST_LINES, 100)]
    without = RunLines(logging.Formatter(), reasons=False, failed_logs=False)
    assert without.text(failed(str(log))) == f"error: failed: train\n    log: {log}"


def test_an_estimate_has_the_last_word(lines):
    closing = record(message="Elapsed time: 0:00:01")
    assert lines.text(closing) == "Elapsed time: 0:00:01"
    lines.text(started(title="Time a few steps", rule="estimate"))
    assert lines.text(closing) is None


def test_no_character_moves_the_cursor_of_a_terminal(lines, tmp_path):
    hostile = "a\x1b[2J\x9b2J\x07\u202e\udcff"
    escaped = r"a\x1b[2J\x9b2J\x07\u202e\udcff"
    assert lines.text(started(title=f"List {hostile}")) == f"List {escaped}"
    assert lines.title(7) == f"List {escaped}"
    log = tmp_path / "a.log"
    log.write_text(f"\tone {hostile[:-1]}\n")
    shown = lines.text(failed(str(log))).splitlines()
    assert shown[0] == f"error: failed: List {escaped}"
    assert shown[-1].startswith("    | ") and shown[-1].endswith(f"one {escaped[:-6]}")
    assert lines.text(record(LogEvent.ERROR, hostile)) == escaped


def test_jobs_that_the_user_stops_have_not_failed(lines, tmp_path):
    lines.text(started())
    stopped = "Terminating processes on user request, this might take some time."
    assert lines.text(record(message=stopped)) == stopped
    assert lines.text(failed(str(tmp_path / "a.log"))) is None
    killed = "CalledProcessError in file a.smk:\nCommand 'x' died with <Signals.SIGINT: 2>."
    assert lines.text(record(LogEvent.ERROR, killed)) is None


class Settings:
    nocolor = dryrun = verbose = debug_dag = printshellcmds = False
    show_failed_logs = True
    # As the default profile.
    quiet = (Quietness.HOST, Quietness.REASON)

    def __init__(self, **changes):
        vars(self).update(changes)


def replaced(logger, **settings):
    progress = RunProgress(TrainingCosts({}, dict), cores=2)
    return replace_output(logger, Settings(**settings), lambda: progress, dict)


@pytest.fixture
def logger():
    """A logger with a handler as Snakemake's, which writes what passes `logger.passes`."""
    handler = logging.StreamHandler(io.StringIO())
    handler.name = "DefaultStreamHandler"
    handler.addFilter(lambda entry: logger.passes(entry))
    logger = logging.Logger("snakemake")
    logger.passes = lambda entry: True
    logger.addHandler(handler)
    return logger


def written(logger):
    return logger.handlers[0].stream.getvalue()


def test_the_display_replaces_snakemakes_lines(logger):
    assert isinstance(replaced(logger), RunDisplay)
    logger.handle(started())
    logger.handle(record(LogEvent.PROGRESS, "1 of 2 steps"))
    assert written(logger) == f"{TITLE}\n"


def test_what_quiet_hides_stays_hidden(logger):
    logger.passes = lambda entry: getattr(entry, "event", None) != LogEvent.JOB_INFO
    replaced(logger)
    logger.handle(started())
    assert written(logger) == ""


@pytest.mark.parametrize("option", ["dryrun", "verbose", "debug_dag", "printshellcmds"])
def test_who_asks_for_snakemakes_lines_gets_them(logger, option):
    assert replaced(logger, **{option: True}) is None
    logger.handle(record(message="Building DAG of jobs..."))
    assert written(logger) == "Building DAG of jobs...\n"


def test_another_logger_is_left_alone(logger):
    logger.handlers[0].name = "RichLogHandler"
    assert replaced(logger) is None


def test_the_log_file_takes_names_that_are_no_text(logger, tmp_path, capsys):
    file = logging.FileHandler(tmp_path / "a.log", encoding="utf-8")
    logger.addHandler(file)
    replaced(logger)
    logger.handle(record(message="List \udcff"))
    file.close()
    assert (tmp_path / "a.log").read_text() == "List \\udcff\n"
    assert capsys.readouterr().err == ""


def test_the_start_of_the_run_is_shown_once(logger):
    # Snakemake's handler has written the record at which the display begins.
    replaced(logger)
    logger.handle(record(LogEvent.WORKFLOW_STARTED, "host: a"))
    assert written(logger) == ""


def test_a_screen_that_cannot_be_written_or_closed_gives_snakemakes_lines_back(logger, capsys):
    class Broken:
        def say_job(self, title):
            raise OSError

        close = say_job

    display = replaced(logger)
    display._screen = Broken()
    logger.handle(started())
    logger.handle(record(message="Snakemake's"))
    assert written(logger).endswith("Snakemake's\n")
    assert "OSError" in capsys.readouterr().err


def test_a_mistake_of_the_display_gives_snakemakes_lines_back(logger, capsys):
    replaced(logger)
    # Without its fields.
    logger.handle(record(LogEvent.JOB_INFO, "Rule: train"))
    assert written(logger) == "Rule: train\n"
    assert "KeyError" in capsys.readouterr().err
