"""The README says what is so: its commands run, its picture is the workflow's."""

import re
import shlex
from itertools import pairwise, product
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.model_files import packed
from tests.networks.test_architecture import TABLE_1

README = (ROOT / "README.md").read_text()
COMMANDS = [
    line
    for block in re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
    for line in block.splitlines()
]
SNAKEMAKE = [command for command in COMMANDS if command.startswith("snakemake ")]


@pytest.mark.slow
@pytest.mark.parametrize("command", SNAKEMAKE)
def test_its_snakemake_commands_plan_a_run(workflow, audio, command):
    if "profiles/slurm" in command:
        pytest.importorskip("snakemake_executor_plugin_slurm", reason="make env CLUSTER=1")
    (workflow.folder / "PATH").symlink_to(audio)
    mine = re.search(r"```yaml\n(.*?)```", README, flags=re.DOTALL)[1]
    (workflow.folder / "mine.yaml").write_text(mine)
    (workflow.folder / "data1.tar.gz").touch()
    (workflow.folder / "results/quick").mkdir(parents=True)
    packed(workflow.folder / "results/quick/model.zip", "frequency_32x1")
    arguments = shlex.split(command)[1:]
    # Quick has five folds, the folder four tracks a class.
    few = ["folds=4"] if "dataset=folder" in arguments else []
    output = workflow(*arguments, *few, "--dry-run")
    rule = "label_shard" if "label" in arguments else "train"
    assert re.search(rf"^{rule} +[1-9]", output, flags=re.MULTILINE)
    assert ("time_1x40" in output) == ("mine.yaml" in command)


def test_its_make_commands_are_those_of_the_makefile():
    makefile = (ROOT / "Makefile").read_text()
    others = [command for command in COMMANDS if command not in SNAKEMAKE]
    assert {"make demo", "make test"} <= set(others)
    for command in others:
        program, target, *variables = shlex.split(command)
        if program == "make":
            assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)
            for variable in variables:
                assert re.search(rf"\$\(.*{variable.partition('=')[0]}\)", makefile)
        else:
            # The others run in .ci/run and, in an environment of their own, in test_classify.
            assert program == "." or Path(program).name in ("python", "python3", "pip")


def test_what_labels_there_labels_in_ci_too():
    checks = (ROOT / ".ci/run").read_text()
    (labels,) = [c for c in COMMANDS if c.startswith("python -m workflow_scripts.commands.label")]
    assert f".venv/bin/{labels}" in checks


def closure(edges):
    nodes = {node for edge in edges for node in edge}
    reachable = set(edges)
    for middle, first, last in product(nodes, nodes, nodes):
        if (first, middle) in reachable and (middle, last) in reachable:
            reachable.add((first, last))
    return reachable


@pytest.mark.slow
def test_its_picture_is_the_workflows_graph(workflow):
    drawn = re.search(r"```mermaid\n(.*?)```", README, flags=re.DOTALL)[1]
    edges = set()
    for line in drawn.splitlines()[1:]:
        names = re.split(r"\s+-->\s+|\s+-- .*? -->\s+", line.strip())
        edges |= set(pairwise(names))
    actual = set()
    for dataset in ("ballroom", "demo"):
        graph = workflow("--rulegraph", "mermaid-js", "--config", f"dataset={dataset}")
        names = dict(re.findall(r"(id\d+)\[(\w+)\]", graph))
        pairs = re.findall(r"(id\d+) --> (id\d+)", graph)
        actual |= {(names[a], names[b]) for a, b in pairs}
    assert closure(edges) == closure(actual)


def test_its_table_has_the_twelve_rows():
    for variant, count in TABLE_1.items():
        assert re.search(rf"^\| {variant} +\|.*\b{count:,}".replace(",", " "), README, re.MULTILINE)
