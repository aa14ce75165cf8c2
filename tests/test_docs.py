"""The commands, links, diagram and table in the README and in docs/ are correct."""

import re
import shlex
from itertools import pairwise, product
from pathlib import Path

import pytest

from tests.conftest import ROOT, write_classes
from tests.model_files import packed
from tests.networks.test_architecture import TABLE_1
from tests.runs import Workflow, made_once
from workflow_scripts.version import version

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
TEXT = {path.relative_to(ROOT): path.read_text() for path in PAGES}
README = TEXT[Path("README.md")]
COMMANDS = sorted(
    {
        line
        for text in TEXT.values()
        for block in re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
        for line in block.splitlines()
    }
    | {
        command
        for text in TEXT.values()
        for command in re.findall(r"`((?:snakemake|make|python|\.venv/bin/\w+) [^`]+)`", text)
    }
)
SNAKEMAKE = [c for c in COMMANDS if re.match(r"(\.venv/bin/)?snakemake ", c)]
OTHERS = [command for command in COMMANDS if command not in SNAKEMAKE]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the workflow with what the commands name; dry runs do not change it."""

    def make(home):
        folder = Workflow(home / "workflow").folder
        write_classes(folder / "PATH")
        (folder / "data1.tar.gz").touch()
        (folder / "results/quick").mkdir(parents=True)
        packed(folder / "results/quick/model.zip", "frequency_32x1")

    return made_once(tmp_path_factory, "documented", make) / "workflow"


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(c, marks=pytest.mark.workflow if c in README else pytest.mark.endurance)
        for c in SNAKEMAKE
    ],
)
def test_the_snakemake_commands_plan_a_run(checkout, tmp_path, command):
    if "profiles/slurm" in command:
        pytest.importorskip("snakemake_executor_plugin_slurm", reason="make env CLUSTER=1")
    pages = {"time_1x40": "docs/configuration.md", "time_1x30": "CONTRIBUTING.md"}
    variant = "time_1x30" if " -- " in command else "time_1x40"
    overlay = re.search(r"```yaml\n(.*?)```", TEXT[Path(pages[variant])], flags=re.DOTALL)[1]
    (tmp_path / "mine.yaml").write_text(overlay)
    arguments = [
        str(tmp_path / word) if word == "mine.yaml" else word for word in shlex.split(command)[1:]
    ]
    if "--report" in arguments:
        pytest.skip("tests/workflow/test_finished_run.py makes a report")
    # The preset has five folds, but the folder has only four tracks per class.
    folds = ["folds=4"] if "dataset=folder" in arguments else []
    output = Workflow.at(checkout)("--dry-run", *arguments, *folds)
    rule = "label_shard" if "label.smk" in arguments else "train"
    assert re.search(rf"^{rule} +[1-9]", output, flags=re.MULTILINE)
    assert (variant in output) == ("mine.yaml" in command)


@pytest.mark.parametrize("command", OTHERS)
def test_the_other_commands_are_known(command):
    """Targets and variables are in the Makefile; the other commands run in CI."""
    program, *words = shlex.split(command)
    checks = (ROOT / ".ci/run").read_text()
    if program == "make":
        makefile = (ROOT / "Makefile").read_text()
        for word in words:
            name, is_variable, _ = word.partition("=")
            if is_variable:
                used = rf"\$\((or \$\(|filter 1,\$\(|call typed,--\w+,)?{name}\)"
                assert re.search(used, makefile), command
            else:
                assert re.search(rf"^{name}:", makefile, flags=re.MULTILINE), command
    elif program in (".", "pip", "labelling/bin/pip", "labelling/bin/python", "python3"):
        # tests/commands/test_label.py runs these in a separate environment.
        assert "labelling" in command or program in (".", "pip")
    elif "pytest" in program or "-m tests." in command:
        # `make test` and tests/labelling/test_fuzz.py run these with other options.
        assert command.endswith("-m unit") or "tests.fuzz" in command
    elif "benchmarks/" in command:
        (script,) = re.findall(r"benchmarks/\w+\.py", command)
        assert script in checks or script == "benchmarks/gpu.py"
    else:
        assert command.removeprefix(".venv/bin/") in checks or command.endswith("--version")


def test_every_link_has_a_target():
    for page, text in TEXT.items():
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[\w-]+)?\)", text):
            if not target.startswith("https://"):
                assert (ROOT / page.parent / target).exists(), (page, target)


def test_every_page_is_linked_from_the_readme():
    linked = set(re.findall(r"\]\((docs/[\w-]+\.md)", README))
    assert linked == {str(page) for page in TEXT if page.parent.name == "docs"}


def test_the_readme_has_at_most_150_lines():
    assert len(README.splitlines()) <= 150


def test_the_version_is_that_of_the_latest_release():
    assert re.fullmatch(r"\d+\.\d+\.\d+", version())
    releases = re.findall(r"^## \[([\d.]+)\]", TEXT[Path("CHANGELOG.md")], flags=re.MULTILINE)
    assert releases[0] == version()


def closure(edges):
    """The transitive closure of a graph, a set of pairs (from, to)."""
    nodes = {node for edge in edges for node in edge}
    reachable = set(edges)
    for middle, first, last in product(nodes, nodes, nodes):
        if (first, middle) in reachable and (middle, last) in reachable:
            reachable.add((first, last))
    return reachable


def test_the_diagram_is_the_graph_of_the_rules(workflow):
    diagram = re.search(r"```mermaid\n(.*?)```", README, flags=re.DOTALL)[1]
    edges = set()
    for line in diagram.splitlines()[1:]:
        names = re.split(r"\s+-->\s+|\s+-- .*? -->\s+", line.strip())
        edges |= set(pairwise(names))
    actual = set()
    for dataset in ("ballroom", "demo"):
        graph = workflow("--rulegraph", "mermaid-js", "--config", f"dataset={dataset}")
        names = dict(re.findall(r"(id\d+)\[(\w+)\]", graph))
        pairs = re.findall(r"(id\d+) --> (id\d+)", graph)
        actual |= {(names[a], names[b]) for a, b in pairs}
    assert closure(edges) == closure(actual)


def test_the_table_has_all_variants_with_their_parameters():
    for variant, count in TABLE_1.items():
        assert re.search(rf"^\| {variant} +\|.*\b{count:,}".replace(",", " "), README, re.MULTILINE)


def test_every_step_is_described():
    rules = "\n".join(path.read_text() for path in (ROOT / "rules").glob("*.smk"))
    page = TEXT[Path("docs/how-it-works.md")]
    for step in re.findall(r"^(?:rule|checkpoint) (\w+):", rules, flags=re.MULTILINE):
        assert f"`{step}`" in page or step == "estimate"
