"""A step reads all inputs of its rule and nothing else."""

import re
from pathlib import Path

import pytest

from tests.runs import Workflow
from workflow_scripts.workflow.code_digests import code_of

# Files that a step keeps beside its outputs, and the models that `make adopt` puts aside.
UNDECLARED = re.compile(
    r"/\.(lock|[^/]*partial-[^/]*)$|/models/[^/]+/fold-\d+/(checkpoint|epochs-so-far\.csv)$"
    r"|^data/digests/|/\.adopted/"
)
AUDIO = re.compile(r"\.wav$|\.bpm$")


def jobs(workflow, arguments):
    """The jobs of a run: [(rule, inputs, outputs)]."""
    table = workflow(*arguments, "--detailed-summary", "--quiet", "all")
    lines = [line.split("\t") for line in table.splitlines() if line.count("\t") > 5]
    header, *rows = lines
    names = ("output_file", "rule", "input-file(s)", "shellcmd")
    column = {name: header.index(name) for name in names}
    files = {}
    for row in rows:
        command = row[column["shellcmd"]]
        inputs = {*row[column["input-file(s)"]].split(",")} - {"", "-"}
        rule = row[column["rule"]]
        files.setdefault((rule, command), (inputs, set()))[1].add(row[column["output_file"]])
    return [(rule, inputs, outputs) for (rule, _), (inputs, outputs) in files.items()]


@pytest.fixture(scope="module")
def observed(done):
    """The jobs of a finished run: [(rule, inputs, outputs, arguments, opened files)]."""
    home, _, arguments = done
    opened = {}
    for record in (home / "observed").iterdir():
        for line in record.read_text().splitlines():
            step, command, path = line.split("\t")
            opened.setdefault((step.rpartition(".")[2], command), set()).add(path)
    finished = jobs(Workflow.at(home / "workflow"), arguments)
    observations = []
    for (step, command), paths in opened.items():
        words = set(command.split())
        # The arguments may also have outputs of other jobs of this rule, as inputs.
        rule, inputs, outputs = max(
            (job for job in finished if job[0] == step), key=lambda job: len(job[2] & words)
        )
        assert outputs & words, command
        observations.append((rule, inputs, outputs, words, paths))
    return observations


def test_every_step_is_observed(observed):
    assert {rule for rule, *_ in observed} == {
        "list_tracks",
        "select_tracks",
        "extract_mel",
        "detect_tempo",
        "find_replicas",
        "assign_folds",
        "fit_scaler",
        "train",
        "evaluate",
        "evaluate_baselines",
        "tabulate",
        "intervene",
        "tabulate_interventions",
        "interpret",
        "auralise",
        "report",
        "export",
    }


def test_a_step_opens_only_its_inputs_and_outputs(observed):
    for rule, inputs, outputs, _, paths in observed:
        code = set(code_of(f"steps/{rule}", "audio/excerpts"))
        for path in sorted(paths - inputs - outputs - code):
            folders = {str(parent) for parent in Path(path).parents}
            python = path.startswith("workflow_scripts/") and (
                path.endswith(".py") or "__pycache__" in path
            )
            # The digests of the code are computed from the modules; git returns the commit.
            allowed = (
                python or UNDECLARED.search(path) or AUDIO.search(path) or path.startswith(".git/")
            )
            assert allowed or folders & (inputs | outputs), (rule, path)


def test_a_step_has_every_input_as_an_argument_and_opens_it(observed):
    for rule, inputs, _, words, paths in observed:
        assert inputs <= words | {"data/demo"}, (rule, sorted(inputs - words))
        opened = paths | {str(parent) for path in paths for parent in Path(path).parents}
        if rule == "auralise":
            # It reads only the models of the best fold and the tracks that excite their filters.
            inputs = {path for path in inputs if not re.search(r"weights\.npz$|\.npy$", path)}
        assert inputs <= opened, (rule, sorted(inputs - opened))
