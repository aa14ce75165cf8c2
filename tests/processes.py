"""Programs of Python in processes that start at once.

A new Python imports packages for one to four seconds before a step or Snakemake begins. Here, one
process per worker of pytest imports them once, and forks for each program. A forked process has
the packages, but no module of the workflow: it imports these from its own folder, as always.
"""

import multiprocessing
import os
import runpy
import signal
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Those of Snakemake and of most steps and commands; the others would cost more than they save.
PACKAGES = (
    *("snakemake.cli", "snakemake.workflow", "snakemake.dag", "snakemake.scheduling.job_scheduler"),
    *("pandas", "jinja2", "jsonschema", "yaml", "tqdm"),
    # These two set the environment in which their frameworks are imported.
    *("workflow_scripts.networks.engine_mxnet", "workflow_scripts.models.runtime"),
)
OURS = "workflow_scripts"
# Libraries of macOS do not survive a fork; there, each process imports what it needs.
_CONTEXT = multiprocessing.get_context("spawn" if sys.platform == "darwin" else "forkserver")
_CONTEXT.set_forkserver_preload([*PACKAGES])


class Process:
    """`python -m MODULE ARGUMENTS`, started in `folder`.

    Output and errors are appended to the file `output`. `before`, a function of a module, is called
    in the process before it starts. With `leads_group` it leads a group of processes.
    """

    def __init__(
        self,
        module,
        *arguments,
        folder=ROOT,
        output,
        environment=None,
        before=None,
        leads_group=False,
    ):
        environment = dict(os.environ | (environment or {}))
        Path(output).touch()
        words = [str(argument) for argument in arguments]
        settings = (module, words, str(folder), str(output), environment, before, leads_group)
        self._process = _CONTEXT.Process(target=_run, args=settings)
        self._process.start()

    @property
    def pid(self):
        return self._process.pid

    def poll(self):
        """The exit code; None before the end."""
        return self._process.exitcode

    def wait(self, seconds=600):
        """Wait for the end; return the exit code. Raises TimeoutError after `seconds`."""
        self._process.join(seconds)
        if self._process.exitcode is None:
            raise TimeoutError(f"process {self.pid} takes more than {seconds} s")
        return self._process.exitcode

    def send_signal(self, number):
        """Send a signal, unless the process has ended."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)


def run(module, *arguments, seconds=600, **settings):
    """Run a program as `Process` does; return (exit code, output)."""
    with tempfile.NamedTemporaryFile() as output:
        process = Process(module, *arguments, output=output.name, **settings)
        try:
            code = process.wait(seconds)
        except TimeoutError:
            process.kill()
            raise
        return code, Path(output.name).read_text()


def _run(module, arguments, folder, output, environment, before, leads_group):
    """Become the program."""
    if leads_group:
        os.setsid()
    # A shell makes its background jobs ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    stream = os.open(output, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for number in (1, 2):
        os.dup2(stream, number)
    os.close(stream)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(folder)
    added = environment.get("PYTHONPATH", "").split(os.pathsep)
    others = [path for path in sys.path if path not in ("", str(ROOT))]
    sys.path[:] = [folder, *filter(None, added), *others]
    for name in [name for name in sys.modules if name.partition(".")[0] == OURS]:
        del sys.modules[name]
    sys.argv = [module, *arguments]
    sys.orig_argv = [sys.executable, "-m", module, *arguments]
    if before:
        before()
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def restore_sigint():
    """Restore the default of Ctrl-C, which shells disable for background jobs."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
