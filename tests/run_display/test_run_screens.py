"""What a log and a terminal show of a run."""

import io
import os
import pty
import subprocess
import sys

import pytest
from rich.console import Console

from tests.commands.test_watch import read_until
from tests.processes import ROOT
from workflow_scripts.run_display import run_screens
from workflow_scripts.run_display.run_progress import Forecast
from workflow_scripts.run_display.run_screens import LogScreen, Progress, bars, sentence

RULES = [("synthesise", 8, 8), ("train", 12, 60), ("evaluate", 0, 12)]


def progress(share=0.57, seconds=240.0, running=("Train time_1x60, fold 3",)):
    return Progress(RULES, (20, 134), running, Forecast(share, seconds))


def test_a_sentence_says_what_is_done_and_left():
    assert sentence(progress(0.567)) == "57 % of the work is done; about 4 min left"
    assert sentence(progress(0.567, None)) == "57 % of the work is done"
    assert sentence(progress(None, None)) == "20 of 134 jobs are done"


class TestLog:
    @pytest.fixture
    def clock(self, monkeypatch):
        """A clock in a list of one."""
        now = [0.0]
        monkeypatch.setattr(run_screens.time, "monotonic", lambda: now[0])
        return now

    def shown(self, clock, moments):
        """The numbers of the (seconds, share) at which a line is printed."""
        stream = io.StringIO()
        screen = LogScreen(stream)
        printed = []
        for number, (clock[0], share) in enumerate(moments):
            before = stream.getvalue()
            screen.show(progress(share))
            if stream.getvalue() != before:
                printed.append(number)
        return printed

    def test_lines_come_now_and_then(self, clock):
        moments = [(20, 0.1), (30, 0.1), (50, 0.3), (70, 0.3), (100, 0.34), (900, 0.34)]
        # After 30 s and 5 % of the work, or after ten minutes.
        assert self.shown(clock, moments) == [1, 3, 5]

    def test_if_the_work_is_unknown_jobs_count(self, clock):
        # 20 of 134 are 15 %.
        assert self.shown(clock, [(20, None), (40, None), (80, None), (120, 0.19)]) == [1]

    def test_jobs_are_lines(self):
        stream = io.StringIO()
        screen = LogScreen(stream)
        screen.say_job("Train time_1x60, fold 3")
        screen.close()
        screen.say("Elapsed time: 0:00:01")
        assert stream.getvalue() == "Train time_1x60, fold 3\nElapsed time: 0:00:01\n"


class TestBars:
    def text(self, height, **changes):
        console = Console(width=100, file=io.StringIO(), legacy_windows=False)
        console.print(bars(progress(**changes), height))
        return [line.split() for line in console.file.getvalue().splitlines()]

    def test_each_rule_and_the_total_have_a_bar(self):
        lines = self.text(30)
        assert [line[0] for line in lines] == ["synthesise", "train", "evaluate", "total", "Train"]
        assert lines[1][-1] == "12/60"
        assert " ".join(lines[3]).endswith(" 57 % of the work about 4 min left")

    def test_a_low_terminal_shows_what_is_under_way(self):
        assert [line[0] for line in self.text(5)] == ["train", "total", "Train"]

    @pytest.mark.parametrize("height", [3, 5, 8, 24])
    def test_many_running_jobs_fit_on_the_terminal(self, height):
        running = [f"Train time_1x60, fold {fold}" for fold in range(40)]
        lines = self.text(height, running=running)
        assert len(lines) <= height
        n_shown = sum(line[0] == "Train" for line in lines)
        assert " ".join(lines[-1]) == f"and {40 - n_shown} more jobs"

    def test_if_the_work_is_unknown_jobs_count(self):
        assert self.text(30, share=None, seconds=None)[3][-2:] == ["20/134", "jobs"]


PROGRAM = """
import subprocess, sys
from tests.run_display.test_run_screens import progress
from workflow_scripts.run_display.run_screens import TerminalScreen
screen = TerminalScreen(sys.stderr)
screen.show(progress())
screen.say_job("not a line")
screen.say("a line")
print("of Python")
print("a note", file=sys.stderr)
subprocess.run(["sh", "-c", "echo of a job; echo its error >&2"])
screen.show(progress())
screen.close()
screen.say("after the bars")
"""


def on_terminal(program, **variables):
    """What a program shows on a terminal until it shows `after the bars`."""
    ours, theirs = pty.openpty()
    terminal = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    environment = os.environ | {"TERM": "xterm"} | variables
    command = [sys.executable, "-c", program]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, **terminal)
    os.close(theirs)
    shown = read_until(ours, b"after the bars").decode()
    assert process.wait(20) == 0, shown
    return shown


@pytest.mark.parametrize(
    "variables", [{}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]
)
def test_a_name_that_is_no_text_is_shown_and_the_cursor_comes_back(variables):
    name = r"progress(running=('List \udcff \u00e9' + 90 * 'x',))"
    shown = on_terminal(PROGRAM.replace("progress()", name), **variables)
    assert r"List \udcff" in shown and "Traceback" not in shown
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")


def test_no_colour_is_shown_if_the_environment_says_so():
    assert "38;5" in on_terminal(PROGRAM, TERM="xterm-256color")
    assert "38;5" not in on_terminal(PROGRAM, TERM="xterm-256color", NO_COLOR="1")


def test_what_jobs_print_is_above_the_bars():
    shown = on_terminal(PROGRAM)
    lines = ["a line", "of Python", "a note", "of a job", "its error", "after the bars"]
    places = [shown.index(f"{line}\r\n") for line in lines]
    assert places == sorted(places)
    assert "12/60" in shown and "not a line" not in shown
    # The bars are erased at the end.
    assert shown.rindex("\x1b[2K") < places[-1]
    assert "12/60" not in shown[shown.rindex("\x1b[2K") :]
