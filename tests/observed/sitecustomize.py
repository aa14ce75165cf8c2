"""Record which files a step opens.

Python imports this module at startup if this folder is on PYTHONPATH. It writes a line
"step<tab>arguments<tab>path" per file to the folder $OBSERVED, with spaces between the arguments.
"""

import os
import sys


def _observe():
    arguments = [str(argument) for argument in sys.orig_argv]
    steps = [a for a in arguments if a.startswith("workflow_scripts.steps.")]
    folder = os.environ.get("OBSERVED")
    if not steps or folder is None:
        return
    record = os.open(os.path.join(folder, str(os.getpid())), os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    working_folder = os.getcwd() + os.sep

    def hook(event, details):
        if event == "open" and isinstance(details[0], str | os.PathLike):
            path = os.path.abspath(os.fspath(details[0]))
            if isinstance(path, str) and path.startswith(working_folder):
                line = "\t".join((steps[0], " ".join(arguments), path.removeprefix(working_folder)))
                os.write(record, f"{line}\n".encode())

    sys.addaudithook(hook)


_observe()
