"""The lock files, the conda environments, and the scripts that make .venv."""

import os
import re
import subprocess

import pytest
import yaml
from packaging.markers import Marker

from tests.conftest import ROOT
from workflow_scripts.devices.gpus import conda_form

ENVS = ROOT / "envs"


def pins(text):
    """The versions of each package, more than one if platforms differ."""
    versions = {}
    for name, version in re.findall(r"^([A-Za-z0-9_.-]+)==([^ ;\\\n]+)", text, flags=re.MULTILINE):
        versions.setdefault(name, set()).add(version)
    return versions


def requirements(name):
    """The lines PACKAGE==VERSION of a requirements file and of the files that it includes."""
    torch = name == "torch"
    lines = (ENVS / ("torch.txt" if torch else f"{name}.in")).read_text().splitlines()
    others = [line.removeprefix("-r ").removesuffix(".in") for line in lines if line[:3] == "-r "]
    others += ["base"] if torch else []
    own = [line for line in lines if "==" in line and not line.startswith("#")]
    return own + [line for other in others for line in requirements(other)]


@pytest.mark.parametrize("lock", ["cpu", "gpu", "dev", "bench", "cluster", "label"])
def test_every_locked_package_has_a_version_and_hashes(lock):
    text = (ENVS / f"{lock}.txt").read_text().replace("\\\n", " ")
    for line in text.splitlines():
        assert re.match(r"[A-Za-z0-9_.-]+==\S+ ", line), line
        assert "--hash=sha256:" in line, line


def test_the_locks_contain_their_requirements_and_agree():
    cpu, gpu, development = (pins((ENVS / f"{n}.txt").read_text()) for n in ("cpu", "gpu", "dev"))
    assert pins("\n".join(requirements("cpu"))).items() <= cpu.items()
    assert pins("\n".join(requirements("gpu"))).items() <= gpu.items()
    mxnet_packages = {"mxnet", "graphviz"}
    assert {name: cpu[name] for name in cpu.keys() - mxnet_packages}.items() <= gpu.items()
    assert {name: cpu[name] for name in cpu.keys() - mxnet_packages}.items() <= development.items()
    benchmarks = pins((ENVS / "bench.txt").read_text())
    assert development.items() <= benchmarks.items()
    assert "librosa" in benchmarks
    cluster = pins((ENVS / "cluster.txt").read_text())
    assert pins("\n".join(requirements("cluster"))).items() <= cluster.items()
    shared = cluster.keys() & development.keys()
    assert {name: cluster[name] for name in shared}.items() <= development.items()
    labelling = pins((ENVS / "label.txt").read_text())
    assert pins("\n".join(requirements("label"))).items() <= labelling.items() <= cpu.items()


def test_a_lock_has_at_most_one_build_of_mxnet_and_none_for_apple_silicon():
    def builds(lock):
        return re.findall(r"^(mxnet.*==.*?) \\$", (ENVS / lock).read_text(), flags=re.MULTILINE)

    assert builds("gpu.txt") == ["mxnet-cu117==1.9.1"]
    assert builds("dev.txt") == builds("bench.txt") == builds("cluster.txt") == [], (
        "the tests run with either build"
    )
    (build,) = builds("cpu.txt")
    marker = Marker(build.partition(" ; ")[2])
    for system, machine, installed in [
        ("linux", "x86_64", True),
        ("darwin", "x86_64", True),
        ("darwin", "arm64", False),
    ]:
        assert marker.evaluate({"sys_platform": system, "platform_machine": machine}) == installed


@pytest.mark.parametrize("name", ["cpu", "gpu", "torch", "label"])
def test_the_conda_environment_has_the_same_requirements(name):
    environment = yaml.safe_load((ENVS / f"{name}.yaml").read_text())
    listed = next(d["pip"] for d in environment["dependencies"] if isinstance(d, dict))
    assert sorted(listed) == sorted(requirements(name))


def test_each_rule_has_the_conda_environment_of_its_task():
    for path in (ROOT / "rules").glob("*.smk"):
        for rule in re.split(r"^(?:rule|checkpoint) ", path.read_text(), flags=re.MULTILINE)[1:]:
            (environment,) = re.findall(r"^    conda:\n +(.*)$", rule, flags=re.MULTILINE)
            calls_engine = "--engine {params.engine}" in rule
            labels = rule.startswith(("list_audio:", "label_shard:", "label:"))
            if calls_engine:
                assert environment == "ENGINE_ENVIRONMENT"
            else:
                assert environment == f'"../envs/{"label" if labels else "cpu"}.yaml"'


# Answers the calls of conda that Snakemake makes before it creates an environment.
CONDA = """
case "$*" in
"--version") echo conda 24.9.0 ;;
"info --json") echo '{"conda_version": "24.9.0", "platform": "linux-64", "conda_prefix": "/"}' ;;
"config --get channel_priority --json") echo '{"get": {"channel_priority": "strict"}}' ;;
esac
"""


@pytest.mark.parametrize(
    ("engine", "installed", "expected"),
    [
        ("mxnet", None, {"cpu", conda_form("mxnet")}),
        ("mxnet", "mxnet-cu117", {"cpu", "gpu"}),
        ("torch", "mxnet-cu117", {"cpu", "torch"}),
    ],
)
def test_conda_environments_match_the_engine_and_its_build(
    workflow, tmp_path, engine, installed, expected
):
    environment = with_programs(tmp_path / "bin", {"conda": CONDA})
    if installed:
        dist_info = tmp_path / "site" / "mxnet_cu117-1.9.1.dist-info"
        dist_info.mkdir(parents=True)
        (dist_info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {installed}\nVersion: 1.9.1\n"
        )
        environment["PYTHONPATH"] = str(tmp_path / "site")
    command = ("--sdm", "conda", "--list-conda-envs", "--config", "dataset=demo")
    output = workflow(*command, f"engine={engine}", environment=environment)
    assert set(re.findall(r"^envs/(\w+)\.yaml", output, flags=re.MULTILINE)) == expected


def test_the_files_of_the_environment_contain_no_url():
    for path in [*ENVS.iterdir(), ROOT / "Makefile"]:
        assert not re.search(r"https?://|--(extra-)?index-url +\S|--find-links", path.read_text())


def with_programs(folder, programs):
    """The environment variables, with these shell scripts first on the PATH."""
    folder.mkdir()
    for name, script in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def machine(system, processor, macos="15.1"):
    return {
        "uname": f"[ $1 = -s ] && echo {system} || echo {processor}",
        "sw_vers": f"[ $1 = -productVersion ] && echo {macos}",
    }


# A Python whose virtual environments record the arguments of pip.
PYTHON = """
case "$*" in
"-m venv .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python && cp "$0" .venv/bin/pip ;;
"-m pip "*freeze) cat installed.txt ;;
"-m pip "*)
    echo "${*#*version-check }" >>pip.txt
    [ ! -e says.txt ] || cat says.txt
    [ ! -e broken ]
    ;;
esac
"""


@pytest.fixture
def install(tmp_path):
    """Run envs/install in an empty folder, with fake programs for the machine and Python."""
    (tmp_path / "envs").symlink_to(ENVS)
    (tmp_path / "installed.txt").touch()

    def run(what, programs, python="python"):
        environment = with_programs(tmp_path / "bin", {"python": PYTHON} | programs)
        return subprocess.run(
            [ENVS / "install", what, python],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )

    return run


LINUX, MAC = machine("Linux", "x86_64"), machine("Darwin", "arm64")
INTEL_MAC = machine("Darwin", "x86_64", macos="13.7.1")


@pytest.mark.parametrize(
    ("what", "programs", "python", "sentence"),
    [
        ("cpu", machine("Linux", "aarch64"), "python", "this is Linux-aarch64: use a machine, "),
        ("gpu", machine("Linux", "aarch64"), "python", "this is Linux-aarch64: use a machine, "),
        ("gpu", MAC, "python", "this is Darwin-arm64: omit GPU=1"),
        ("torch", INTEL_MAC, "python", "omit TORCH=1"),
        ("bench", INTEL_MAC, "python", "omit DEV=1"),
        ("cpu", machine("Darwin", "arm64", macos="14.6"), "python", "need macOS 15 or later"),
        ("cpu", machine("Darwin", "x86_64", macos="12.7"), "python", "this is macOS 12.7"),
        ("cpu", LINUX, "", "Python 3.11 or 3.12 is needed, and neither is on the PATH"),
        ("cpu", LINUX | {"old": "exit 1"}, "old", "old is not Python 3.11 or 3.12"),
    ],
)
def test_an_unsupported_machine_or_python_is_reported_in_one_sentence(
    tmp_path, install, what, programs, python, sentence
):
    done = install(what, programs, python)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert sentence in done.stderr
    assert not (tmp_path / ".venv").exists()


LOCKED = "install --progress-bar off --require-hashes --requirement envs/{}.txt"
PYTORCH = (
    "install --progress-bar off --constraint .venv/constraints.txt --requirement envs/torch.txt"
)


@pytest.mark.parametrize(
    ("what", "programs", "pip_calls", "stamps"),
    [
        ("cpu", LINUX, [LOCKED.format("cpu")], ["cpu"]),
        ("cpu", INTEL_MAC, [LOCKED.format("cpu")], ["cpu"]),
        ("cpu", MAC, [LOCKED.format("cpu"), PYTORCH], ["cpu", "torch"]),
        ("gpu", LINUX, [LOCKED.format("gpu")], ["gpu"]),
        ("dev", LINUX, [LOCKED.format("dev")], ["dev"]),
        ("bench", LINUX, [LOCKED.format("bench")], ["bench"]),
        ("cluster", LINUX, [LOCKED.format("cluster")], ["cluster"]),
        ("cluster", MAC, [LOCKED.format("cluster")], ["cluster"]),
        ("torch", LINUX, [PYTORCH], ["torch"]),
    ],
)
def test_an_installation_calls_pip_and_writes_stamps(
    tmp_path, install, what, programs, pip_calls, stamps
):
    done = install(what, programs)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "pip.txt").read_text().splitlines() == pip_calls
    assert [path.name for path in stamps_in(tmp_path)] == stamps
    assert ("engine: torch" in done.stdout) == (what == "cpu" and programs == MAC)


def test_an_installation_says_how_far_it_is(tmp_path, install):
    n = sum(map(len, pins((ENVS / "cluster.txt").read_text()).values()))
    said = ["Ignoring colorama: markers 'x' don't match your environment"]
    said += [f"Collecting name{i}==1.0 (from -r envs/cluster.txt (line {i}))" for i in range(1, 41)]
    said += ["  Downloading name40-1.0.whl (1 MB)", "Requirement already satisfied: six==1 in x"]
    said += [f"Processing /wheels/file_{i}-2.0-py3-none-any.whl" for i in range(42, 61)]
    said += ["Installing collected packages: a, b", "Successfully installed a-1 b-1"]
    (tmp_path / "says.txt").write_text("\n".join(said) + "\n")
    assert install("cluster", LINUX).stdout.splitlines() == [
        "Installing the packages of envs/cluster.txt into .venv",
        f"20 of {n - 1}: name20",
        f"40 of {n - 1}: name40",
        f"60 of {n - 1}: file_60",
        "All are downloaded; pip installs them, which takes a minute.",
    ]


def stamps_in(folder):
    names = {"cpu", "gpu", "dev", "bench", "cluster", "torch"}
    return sorted(path for path in (folder / ".venv").iterdir() if path.name in names)


@pytest.mark.parametrize("what", ["cpu", "gpu", "dev", "bench", "cluster", "torch"])
def test_a_failed_installation_writes_no_stamp(tmp_path, install, what):
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / what).touch()
    (tmp_path / "broken").touch()
    assert install(what, LINUX).returncode != 0
    assert stamps_in(tmp_path) == []


def test_one_build_of_mxnet_replaces_another(tmp_path, install):
    gpu = [line for line in requirements("gpu") if "cu11" in line]
    (tmp_path / "installed.txt").write_text("\n".join(["joblib==1.6.0", *gpu, "nvidia-x==13"]))
    (tmp_path / ".venv").mkdir()
    for stamp in ("gpu", "dev", "torch"):
        (tmp_path / ".venv" / stamp).touch()
    assert install("cpu", LINUX).returncode == 0
    names = " ".join(line.partition("==")[0] for line in gpu)
    assert (tmp_path / "pip.txt").read_text().splitlines() == [
        f"uninstall --yes {names}",
        LOCKED.format("cpu"),
    ]
    assert [path.name for path in stamps_in(tmp_path)] == ["cpu", "dev", "torch"]


def test_the_requested_build_is_not_uninstalled(tmp_path, install):
    gpu = sorted(line for line in requirements("gpu") if "cu11" in line)
    (tmp_path / "installed.txt").write_text("\n".join(gpu))
    assert install("gpu", LINUX).returncode == 0
    assert (tmp_path / "pip.txt").read_text().splitlines() == [LOCKED.format("gpu")]


def test_pytorch_keeps_the_locked_versions(tmp_path, install):
    assert install("torch", LINUX).returncode == 0
    constraints = (tmp_path / ".venv" / "constraints.txt").read_text()
    assert pins(constraints) == pins((ENVS / "dev.txt").read_text())
    assert "--hash" not in constraints and "\\" not in constraints
    assert "numpy==1.26.4\n" in constraints


@pytest.mark.parametrize(
    ("present", "arguments", "installed"),
    [
        ("cpu", ["env"], []),
        ("cpu", ["env", "GPU=1"], ["gpu"]),
        ("cpu", ["env", "TORCH=1"], ["torch"]),
        ("cpu", ["env", "GPU=1", "TORCH=1"], ["gpu", "torch"]),
        ("cpu", ["env", "TORCH=1", "DEV=1"], ["torch", "bench"]),
        ("cpu", ["env", "CLUSTER=1"], ["cluster"]),
        ("cpu", ["test"], ["dev"]),
        ("cpu", ["test-slurm"], ["dev", "cluster"]),
        ("gpu", ["env"], ["cpu"]),
        ("gpu", ["env", "GPU=1"], []),
        ("gpu", ["test"], ["dev"]),
        ("gpu", ["demo"], []),
    ],
)
def test_only_make_env_changes_the_build(tmp_path, present, arguments, installed):
    (tmp_path / "Makefile").symlink_to(ROOT / "Makefile")
    (tmp_path / "envs").symlink_to(ENVS)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / present).touch()
    # `make test` passes its own variables to this test.
    inherited = ("MAKEFLAGS", "MAKEOVERRIDES", "MFLAGS", "GPU", "TORCH", "CLUSTER", "DEV")
    done = subprocess.run(
        ["make", "--dry-run", *arguments],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name not in inherited},
        capture_output=True,
        text=True,
        check=True,
    )
    assert re.findall(r"^envs/install (\w+)", done.stdout, flags=re.MULTILINE) == installed


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["DATASET=gtzan_genre"], " gtzan_genre"),
        (["DATASET=x", "DATA_HOME=/a b"], " x --home /a b"),
        (
            ["DATASET=x", "LABEL=key", "FILE=/t.csv", "REPLACE=1"],
            " x --label key --file /t.csv --repl",
        ),
        ([], "say which data set of mirdata: make tracks DATASET=gtzan_genre DATA_HOME=FOLDER"),
        (["DATASET=x", "HOME=/data"], "HOME is your own home folder: give the folder of the data "),
    ],
)
def test_make_tracks_takes_no_home_from_the_environment(arguments, expected):
    """HOME and the like are in the environment, and are no folders of data sets."""
    done = subprocess.run(
        ["make", "--dry-run", *("-o", ".venv/cpu", "-o", ".venv/gpu"), "tracks", *arguments],
        cwd=ROOT,
        env=os.environ | {"HOME": "/home/x", "VERSION": "3", "LABEL": "l", "DATA_HOME": "/d"},
        capture_output=True,
        text=True,
    )
    words = " ".join((done.stdout + done.stderr).replace("\\", "").replace("'", "").split())
    assert expected in words
    assert not any(value in words for value in ("/home/x", "--version", "/d "))


@pytest.mark.parametrize(
    ("versions", "expected"),
    [
        ({"python3.11": 0, "python3.12": 0}, "python3.11"),
        ({"python3.11": 1, "python3.12": 0}, "python3.12"),
        ({"python3.11": 1, "python3.12": 1, "python3": 0}, "python3"),
        ({"python3.11": 1, "python3.12": 1, "python3": 1, "python": 1}, ""),
    ],
)
def test_the_first_supported_python_is_found(tmp_path, versions, expected):
    environment = with_programs(
        tmp_path / "bin", {name: f"exit {n}" for name, n in versions.items()}
    )
    done = subprocess.run([ENVS / "find-python"], env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == expected
