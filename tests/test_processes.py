"""A forked process behaves as one that `python -m` starts."""

import os
import signal
import subprocess
import sys

import pytest

from tests.processes import ROOT, Process, run

pytestmark = pytest.mark.workflow

PROGRAM = """
import os, sys
import {package}.part
if __name__ == "__main__":
    print(os.getcwd(), sys.argv[1:], os.environ.get("COLOUR"), {package}.part.__file__)
    print("to stderr", file=sys.stderr, flush=True)
    sys.exit(3)
"""


@pytest.fixture(params=["workflow_scripts", "other"])
def package(request, tmp_path):
    """A package with a program, also one with the name of the workflow's."""
    folder = tmp_path / request.param
    folder.mkdir()
    (folder / "part.py").touch()
    (folder / "program.py").write_text(PROGRAM.format(package=request.param))
    return request.param


def started_anew(module, *arguments, folder, environment):
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("environment", [{}, {"COLOUR": "red"}])
def test_its_folder_arguments_environment_modules_and_exit_code(package, tmp_path, environment):
    settings = {"folder": tmp_path, "environment": environment}
    code, output = run(f"{package}.program", "a", "b c", **settings)
    assert (code, output) == started_anew(f"{package}.program", "a", "b c", **settings)
    assert code == 3 and "['a', 'b c']" in output and "to stderr" in output


def test_a_step_prints_what_it_prints_otherwise():
    module = "workflow_scripts.steps.tabulate"
    for arguments in (("--help",), ("--unknown",)):
        expected = started_anew(module, *arguments, folder=ROOT, environment={})
        assert run(module, *arguments) == expected


def test_a_signal_is_its_exit_code_and_a_long_wait_an_error(tmp_path):
    (tmp_path / "sleeper.py").write_text("import time; time.sleep(60)")
    process = Process("sleeper", folder=tmp_path, output=tmp_path / "output")
    with pytest.raises(TimeoutError):
        process.wait(0.5)
    assert process.poll() is None
    process.kill()
    assert process.wait(10) == -signal.SIGKILL
    process.kill()
