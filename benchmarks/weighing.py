"""Run a program and measure its duration and peak memory."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
# A new process inherits the peak of its parent, so a small process measures.
MEASURE = """
import json, resource, subprocess, sys, time
started = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
seconds = time.perf_counter() - started
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(json.dumps([done.returncode, seconds, peak, done.stdout]))
"""


@dataclass(frozen=True)
class Run:
    """Duration in seconds, peak memory of the largest process in MB, stdout and stderr."""

    seconds: float
    megabytes: float
    output: str


def measure(*command: object, folder: Path = ROOT) -> Run:
    """Run a program of this workflow to its end; exit if it fails."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *map(str, command)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=True,
        stdout=subprocess.PIPE,
    )
    code, seconds, peak, output = json.loads(done.stdout)
    if code:
        sys.exit(f"{command} failed:\n{output}")
    # Linux counts in kilobytes, macOS in bytes.
    return Run(seconds, peak / (2**20 if sys.platform == "darwin" else 2**10), output)
