"""Put faults into copies of the workflow, one at a time, and see which tier of tests finds them.

    python -m tests.faults [--only NAME ...] [--json FILE]

For each fault, the tests that its entry names run first. If these find nothing, all tests of
`make test` run, and then the further ones of `make test-all`. A run ends at its first failure.
Takes a quarter of an hour on two cores.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.processes import ROOT
from tests.runs import copy_of_checkout

TIERS = {"make test": "not endurance and not slurm", "make test-all": "endurance"}


@dataclass(frozen=True)
class Fault:
    """Edits of one file, pairs of a text that it contains once and another text."""

    name: str
    file: str
    edits: list[tuple[str, str]]
    tests: list[str] = field(default_factory=list)

    def put_into(self, folder: Path) -> None:
        """Edit the file in a copy of the workflow."""
        path = folder / self.file
        text = path.read_text()
        for old, new in self.edits:
            if text.count(old) != 1:
                sys.exit(f"error: {self.name}: {self.file} does not contain this once: {old}")
            text = text.replace(old, new)
        path.write_text(text)


PACKAGE = "workflow_scripts"
FAULTS = [
    Fault(
        "hop of 1000 samples",
        f"{PACKAGE}/audio/parameters.py",
        [("hop_size: int = 1024", "hop_size: int = 1000")],
        ["tests/audio"],
    ),
    Fault(
        "frequency and time of a segment confused",
        f"{PACKAGE}/dataset/segments.py",
        [(".transpose(0, 2, 1)", ".reshape(len(energies), self.features.n_bands, -1)")],
        ["tests/dataset"],
    ),
    Fault(
        "validation fold off by one",
        f"{PACKAGE}/dataset/split.py",
        [
            (
                'parts[self.fold == (fold + 1) % self._n_parts] = "validation"',
                'parts[self.fold == (fold + 2) % self._n_parts] = "validation"',
            )
        ],
        ["tests/dataset"],
    ),
    Fault(
        "groups of tracks split over folds",
        f"{PACKAGE}/dataset/folds.py",
        [("    if groups is not None and stratified:", "    groups = None\n    if groups:")],
        ["tests/dataset"],
    ),
    Fault(
        "run lock not taken",
        f"{PACKAGE}/workflow/run_lock.py",
        [("            self._lock.acquire(blocking=False)\n", "")],
        ["tests/workflow/test_killed_runs.py"],
    ),
    Fault(
        "shared features read while another run extracts them",
        f"{PACKAGE}/workflow/feature_lock.py",
        [
            (
                "        if not self._try(fcntl.LOCK_EX if write else fcntl.LOCK_SH):",
                "        if write and not self._try(fcntl.LOCK_EX):",
            )
        ],
        ["tests/workflow/test_shared_features.py"],
    ),
    Fault(
        "GPU lock not taken",
        f"{PACKAGE}/devices/gpu_locks.py",
        [("                lock.acquire(blocking=False)\n", "                pass\n")],
        ["tests/devices"],
    ),
    Fault(
        "checksum of weights not compared",
        f"{PACKAGE}/checksums.py",
        [
            (
                "    if of(what, content[:-LENGTH]).encode() != content[-LENGTH:]:",
                "    if not content:",
            )
        ],
        ["tests/test_checksums.py"],
    ),
    Fault(
        "MD5 sum of a download not compared",
        f"{PACKAGE}/download/mirrors.py",
        [("        if found == md5:", "        if found:")],
        ["tests/download"],
    ),
    Fault(
        "scaler not an input of train",
        "rules/training.smk",
        [
            ('        scaler="{root}/scaler.json",\n        onsets', "        onsets"),
            ("{input.scaler}", "{params.scaler}"),
            (
                "        network=network,\n        training",
                '        scaler="{root}/scaler.json",\n        network=network,\n        training',
            ),
        ],
        ["tests/workflow/test_honest_inputs.py"],
    ),
    Fault(
        "donors of the first seed for all seeds",
        "rules/training_jobs.smk",
        [('f"{wildcards.root}/models/{donor}/', 'f"{D}/models/{donor}/')],
        ["tests/workflow/test_reruns.py"],
    ),
    Fault(
        "code of a training not a parameter of its rule",
        "rules/training.smk",
        [('        code=digests_of("steps/train", ENGINE_MODULE),\n', "")],
        ["tests/workflow/test_reruns.py"],
    ),
    Fault(
        "finished trainings replaced without a word",
        "rules/start.smk",
        [("    check_replaced()\n    try:", "    try:")],
        ["tests/workflow/test_replaced_trainings.py"],
    ),
    Fault(
        "donors of fold 0 for all folds",
        "rules/training_jobs.smk",
        [("/models/{donor}/fold-{fold}/", "/models/{donor}/fold-0/")],
        ["tests/workflow/test_finished_run.py"],
    ),
    Fault(
        "a retry gets no more memory",
        f"{PACKAGE}/workflow/job_resources.py",
        [("first * attempt", "first")],
        ["tests/workflow/test_resources.py"],
    ),
    Fault(
        "ties of votes go to the first class",
        f"{PACKAGE}/results/votes.py",
        [("int(np.where(most, mean, -np.inf).argmax())", "int(votes.argmax())")],
        ["tests/results"],
    ),
    Fault(
        "deviation over folds divided by n - 1",
        f"{PACKAGE}/results/table1.py",
        [("float(np.std(values))", "float(np.std(values, ddof=1))")],
        ["tests/results"],
    ),
    Fault(
        "patience off by one",
        f"{PACKAGE}/networks/training.py",
        [("self._stuck == self._patience", "self._stuck > self._patience")],
        ["tests/networks"],
    ),
    Fault(
        "a continued training starts with the first learning rate",
        f"{PACKAGE}/networks/training.py",
        [
            (
                "rate_after((epoch.train_loss for epoch in progress.history), settings)",
                "rate_after((), settings)",
            )
        ],
        ["tests/networks", "tests/workflow/test_interruption.py"],
    ),
    Fault(
        "a fold whose batches are used up goes on training beside the others",
        f"{PACKAGE}/networks/torch_members.py",
        [("rates = self._rates * takes_step", "rates = self._rates")],
        ["tests/networks"],
    ),
    Fault(
        "folds side by side keep their places when one drops out",
        f"{PACKAGE}/networks/side_by_side.py",
        [("engine.keep(continuing)", "engine.keep(range(len(continuing)))")],
        ["tests/networks"],
    ),
    Fault(
        "checkpoint of another training continued",
        f"{PACKAGE}/networks/checkpoint.py",
        [('        if header.get("course") != self._course:', "        if not header:")],
        ["tests/networks", "tests/workflow/test_interruption.py"],
    ),
    Fault(
        "SIGTERM ends a training without a checkpoint",
        f"{PACKAGE}/interruption.py",
        [("    signal.signal(signal.SIGTERM, _stop)\n", "")],
        ["tests/workflow/test_process.py"],
    ),
    Fault(
        "files written at their final name",
        f"{PACKAGE}/atomic_files.py",
        [
            (
                '    partial = path.with_name(f".{path.stem}.partial-{os.getpid()}{path.suffix}")',
                "    partial = path",
            ),
            ("        partial.unlink(missing_ok=True)\n\n\ndef", "        pass\n\n\ndef"),
        ],
        ["tests/workflow/test_process.py"],
    ),
    Fault(
        "class names read as numbers",
        f"{PACKAGE}/results/predictions.py",
        [("pd.read_csv(csv, dtype=names, keep_default_na=False)", "pd.read_csv(csv)")],
        ["tests/results", "tests/report"],
    ),
    Fault(
        "a winner named from trainings that are too short",
        f"{PACKAGE}/results/convergence.py",
        [
            (
                "        return not self.n_short and not self.is_rising",
                "        return not self.is_rising",
            )
        ],
        ["tests/results", "tests/report"],
    ),
    Fault(
        "a winner named although its rivals trained for fewer epochs",
        f"{PACKAGE}/results/trainings.py",
        [("        return both and self.equal_budgets(first, second)", "        return both")],
        ["tests/results", "tests/report"],
    ),
    Fault(
        "exported pools overlap",
        f"{PACKAGE}/models/onnx_graph.py",
        [(", kernel_shape=shape, strides=shape)", ", kernel_shape=shape)")],
        ["tests/models"],
    ),
    Fault(
        "labels that a spreadsheet computes",
        f"{PACKAGE}/labelling/formats.py",
        [
            (
                '    return f"\'{text}" if text.lstrip().startswith(FORMULAS) else text',
                "    return text",
            )
        ],
        ["tests/labelling"],
    ),
]


def copy_of_workflow(folder: Path) -> Path:
    """A copy of this checkout with its tests and its environment."""
    copy_of_checkout(folder)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    return folder


def first_failure(folder: Path, *arguments: str) -> str | None:
    """Run pytest in `folder` until a test fails; the name of this test, or None."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "-n", "2", "--dist", "worksteal", "--ignore=tests/test_faults.py", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    failed = re.search(r"^(?:FAILED|ERROR) (\S+::\S+)", done.stdout, flags=re.MULTILINE)
    # Code 5: no test was selected.
    if not failed and done.returncode not in (0, 5):
        sys.exit(f"error: pytest failed without a failed test:\n{done.stdout[-2000:]}")
    return failed and failed[1]


def found_by(fault: Fault) -> tuple[str, str]:
    """The command that finds a fault, and the test that fails."""
    with tempfile.TemporaryDirectory() as home:
        folder = copy_of_workflow(Path(home) / "workflow")
        fault.put_into(folder)
        quick, slow = TIERS
        for command, tests in ((quick, fault.tests), (quick, []), (slow, [])):
            if failed := first_failure(folder, "-m", TIERS[command], *tests):
                return command, failed
    return "nothing", ""


def main() -> None:
    """Print a line for each fault; exit with code 1 if one is not found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", help="names of faults")
    parser.add_argument("--json", type=Path, help="file to write the findings to")
    options = parser.parse_args()
    findings = {}
    for fault in FAULTS:
        if options.only and fault.name not in options.only:
            continue
        started = time.monotonic()
        command, test = findings[fault.name] = found_by(fault)
        seconds = time.monotonic() - started
        print(f"| {fault.name} | {command} | {test} | {seconds:.0f} s |", flush=True)
    if options.json:
        options.json.write_text(json.dumps(findings, indent=2))
    if any(command == "nothing" for command, _ in findings.values()):
        sys.exit("error: a fault was not found")


if __name__ == "__main__":
    main()
