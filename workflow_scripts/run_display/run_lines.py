"""The lines that a run prints instead of Snakemake's: one for each job, errors without commands."""

import logging
import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workflow_scripts.errors import printable
from workflow_scripts.workflow.events import JOBS, PLAN, RUN

# Further values of snakemake_interface_logger_plugins.common.LogEvent.
STARTS, ENDS, FAILS, ERROR = "job_info", "job_finished", "job_error", "error"
COMMAND, RESOURCES, PROGRESS = "shellcmd", "resources_info", "progress"
# The display begins at RUN, which Snakemake has shown.
UNSHOWN = {RUN, JOBS, ENDS, COMMAND, RESOURCES, PROGRESS}
# Messages without an event that say nothing about the work.
NOISE = re.compile(
    r"Building DAG of jobs|Select jobs to execute|Using shell: |Updating checkpoint dependencies"
    r"|DAG of jobs will be updated|(Conda environments|Singularity containers): ignored"
    r"|Group jobs: inactive|Shutting down, this might"
)
# Snakemake repeats the whole command of a failed job.
FAILED_COMMAND = re.compile(r"CalledProcessError.*Command '.*' ((returned|died with) .*)", re.S)
# After it, jobs fail because they were stopped.
STOPPED = "Terminating processes on user request"
# The output of a run for an estimate ends with it.
LAST_WORD = "estimate"
CLOSING = re.compile(r"Complete log\(s\): |Elapsed time: ")
# A training's log has a line an epoch; a traceback is seldom longer than this.
MOST_LINES = 40
WIDTH = 100


class RunLines:
    """Turns the records of a run into text. It remembers the titles of the jobs."""

    def __init__(self, formatter: logging.Formatter, reasons: bool, failed_logs: bool) -> None:
        """`formatter`, Snakemake's, formats all other records.

        With `reasons`, lines of jobs have the reason too; with `failed_logs`, errors have the logs.
        """
        self._formatter, self._reasons, self._failed_logs = formatter, reasons, failed_logs
        self._titles: dict[int, str] = {}
        self._is_over = self._is_stopped = False

    def text(self, record: logging.LogRecord) -> str | None:
        """What to print for the record, None for nothing. No character of it moves a cursor."""
        text = self._text(record)
        return text and "\n".join(map(_safe, text.split("\n")))

    def _text(self, record: logging.LogRecord) -> str | None:
        event = getattr(record, "event", None)
        if event in UNSHOWN:
            return None
        if event == PLAN:
            return plan(vars(record)["stats"])
        if event == STARTS:
            return self._start(vars(record))
        if event == FAILS:
            return None if self._is_stopped else self._failure(vars(record))
        text = self._formatter.format(record)
        self._is_stopped = self._is_stopped or text.startswith(STOPPED)
        if event == ERROR and (match := FAILED_COMMAND.search(text)):
            # The exit code 1 of a step comes with a message in its log.
            end = match[1].strip()
            is_said = self._is_stopped or end.endswith("exit status 1.")
            return None if is_said else f"error: the command of a job {end}"
        if not text or NOISE.match(text) or (self._is_over and CLOSING.match(text)):
            return None
        return text

    def title(self, job: int) -> str:
        """What a started job is called."""
        return printable(self._titles.get(job, f"job {job}"))

    def _start(self, record: Mapping[str, Any]) -> str:
        title = record["rule_msg"] or _named(record["rule_name"], record["wildcards"])
        self._titles[record["jobid"]] = title
        self._is_over = record["rule_name"] == LAST_WORD
        return f"{title}\n    reason: {record['reason']}" if self._reasons else title

    def _failure(self, record: Mapping[str, Any]) -> str:
        title = self._titles.get(record["jobid"], record["rule_name"])
        details = [f"{name}: {value}" for name, value in record["aux"].items()]
        logs = record["log"]
        if not self._failed_logs:
            details += [f"log: {log}" for log in logs]
            logs = []
        text = "\n".join([f"error: failed: {title}", *(f"    {detail}" for detail in details)])
        return "\n".join([text, *map(_end_of, logs)])


def plan(stats: Mapping[str, int]) -> str:
    """The numbers of planned jobs; `stats` has them by rule, and their `total`."""
    counts = [
        rule if count == 1 else f"{rule} ({count})"
        for rule, count in stats.items()
        if rule not in ("all", "total")
    ]
    total = sum(count for rule, count in stats.items() if rule not in ("all", "total"))
    jobs = "1 job" if total == 1 else f"{total} jobs"
    return textwrap.fill(f"{jobs}: {', '.join(counts)}", WIDTH, subsequent_indent="    ")


def _named(rule: str, wildcards: Mapping[str, str]) -> str:
    return " ".join([rule, *wildcards.values()])


def _safe(line: str) -> str:
    return printable(line.expandtabs())


def _end_of(log: str) -> str:
    try:
        lines = Path(log).read_text(errors="backslashreplace").splitlines()
    except OSError:
        return f"    its log {log} does not exist"
    if not lines:
        return f"    its log {log} is empty"
    which = f", the last {MOST_LINES} of {len(lines)} lines" if len(lines) > MOST_LINES else ""
    return "\n".join([f"    its log {log}{which}:", *_indented(lines[-MOST_LINES:])])


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"    | {line}" for line in lines]
