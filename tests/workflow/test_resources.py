"""Resources of rules: enough for a million tracks, more on a retry, and set by the user."""

import re
import subprocess
import sys

from benchmarks.job_costs import DECLARED, declared
from tests.conftest import ROOT
from tests.runs import DATA

RULES = declared()


def test_every_rule_gets_more_memory_and_time_on_a_retry():
    text = "".join(path.read_text() for path in sorted((ROOT / "rules").glob("*.smk")))
    parts = re.split(r"^(?:rule|checkpoint) (\w+):$", text, flags=re.MULTILINE)
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        assert set(RULES[name]) == set(DECLARED), name
        if name != "estimate":
            assert len(re.findall(r"(?:mem_mb|runtime)=growing\(\d+\),", body)) == 2, name


def test_the_memory_of_rules_is_enough_for_a_million_tracks():
    # In MB, measured with benchmarks/scale.py and with these steps on tables of a million rows.
    measured = {
        "list_tracks": 760,
        "assign_folds": 538,
        "fit_scaler": 753,
        "evaluate_baselines": 773,
        # Twelve networks; extended from the 178 and 312 of 20 000 and 100 000 tracks.
        "tabulate": 1820,
    }
    for rule, megabytes in measured.items():
        assert RULES[rule]["mem_mb"] > 1.5 * megabytes


def test_the_memory_of_a_training_can_be_set_on_the_command_line(workflow):
    target = "results/ballroom/models/time_1x60/fold-0/fit.json"
    options = ("--dry-run", "--printshellcmds")
    assert "--memory-mb 2000 " in workflow(target, *options)
    assert "--memory-mb 8000 " in workflow(target, *options, "--set-resources", "train:mem_mb=8000")


def test_a_retry_gets_twice_the_memory(again):
    """The training records its memory and always fails."""
    folder = again.folder / "workflow"
    (folder / "workflow_scripts/steps/train.py").write_text(
        "import sys\n"
        "open('memory.txt', 'a').write(sys.argv[sys.argv.index('--memory-mb') + 1] + '\\n')\n"
        "sys.exit(1)\n"
    )
    target = f"{DATA}/models/time_1x60/fold-0/fit.json"
    code, _ = again.run("--retries", 1, "--", target, check=False)
    assert code != 0
    assert (folder / "memory.txt").read_text().split() == ["2000", "4000"]


def test_the_costs_of_finished_jobs_are_tabulated(tmp_path):
    header = "s\th:m:s\tmax_rss\tmax_vms\n"
    folder = tmp_path / "results" / "x" / "benchmarks"
    (folder / "train" / "time_1x60").mkdir(parents=True)
    (folder / "list_tracks.tsv").write_text(f"{header}0.5\t0:00:00\tNA\tNA\n")
    for fold, (seconds, megabytes) in enumerate([(10, 300), (20, 410.6), (60, 200)]):
        row = f"{seconds}\t0:00:10\t{megabytes}\t1\n"
        (folder / "train/time_1x60" / f"fold-{fold}.tsv").write_text(header + row)
    data = tmp_path / "data" / "benchmarks"
    data.mkdir(parents=True)
    (data / "synthesise-Jive.tsv").write_text(f"{header}2\t0:00:02\t130\t1\n")
    program = [sys.executable, ROOT / "benchmarks" / "job_costs.py"]

    def run(results):
        return subprocess.run(
            [*program, results], cwd=tmp_path, capture_output=True, text=True, check=False
        )

    assert run("results/x").stdout.splitlines()[2:] == [
        "| synthesise | 1 | 2.0 | 2.0 | 130 | 1 | 500 | 10 |",
        "| list_tracks | 1 | 0.5 | 0.5 |  | 2 | 1500 | 60 |",
        "| train | 3 | 20.0 | 60.0 | 411 | 1 | 2000 | 1440 |",
    ]
    missing = run("results/none")
    assert missing.returncode == 1
    assert missing.stderr == (
        "error: results/none has no benchmarks; give the folder of a finished run\n"
    )
