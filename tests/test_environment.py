"""The locks, their conda form, and the scripts that make the environment."""

import os
import re
import subprocess

import pytest
import yaml

from tests.conftest import ROOT

ENVS = ROOT / "envs"


def pins(text):
    return dict(re.findall(r"^([A-Za-z0-9_.-]+)==([^ ;\\\n]+)", text, flags=re.MULTILINE))


@pytest.mark.parametrize("lock", ["cpu.txt", "dev.txt"])
def test_every_locked_package_has_a_version_and_hashes(lock):
    text = (ENVS / lock).read_text().replace("\\\n", " ")
    for line in text.splitlines():
        assert re.match(r"[A-Za-z0-9_.-]+==\S+ ", line), line
        assert "--hash=sha256:" in line, line


def test_the_locks_hold_what_is_asked_for_and_agree():
    locked, development = (pins((ENVS / f"{name}.txt").read_text()) for name in ("cpu", "dev"))
    for name, version in pins((ENVS / "cpu.in").read_text()).items():
        assert locked[name] == version
    assert locked.items() <= development.items()


def test_the_conda_form_has_the_same_pins():
    environment = yaml.safe_load((ENVS / "cpu.yaml").read_text())
    listed = next(d["pip"] for d in environment["dependencies"] if isinstance(d, dict))
    assert pins("\n".join(listed)) == pins((ENVS / "cpu.in").read_text())


def test_no_file_of_the_environment_has_an_address():
    for path in [*ENVS.iterdir(), ROOT / "Makefile"]:
        assert not re.search(r"https?://|--(extra-)?index-url +\S|--find-links", path.read_text())


def pretend(folder, programs):
    """A PATH on which these shell scripts come first."""
    folder.mkdir()
    for name, script in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


@pytest.mark.parametrize(
    ("programs", "python", "sentence"),
    [
        ({"uname": "[ $1 = -s ] && echo Darwin || echo arm64"}, "python3", "this is Darwin-arm64"),
        ({"uname": "[ $1 = -s ] && echo Linux || echo aarch64"}, "python3", "Linux-aarch64: use"),
        ({}, "", "Python 3.11 or 3.12 is needed and neither is on the PATH"),
        ({"old": "exit 1"}, "old", "old is not Python 3.11 or 3.12"),
    ],
)
def test_what_is_unsupported_is_said_in_a_sentence(tmp_path, programs, python, sentence):
    done = subprocess.run(
        [ENVS / "install", "cpu", python],
        cwd=tmp_path,
        env=pretend(tmp_path / "bin", programs),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert sentence in done.stderr
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize(
    ("versions", "found"),
    [
        ({"python3.11": 0, "python3.12": 0}, "python3.11"),
        ({"python3.11": 1, "python3.12": 0}, "python3.12"),
        ({"python3.11": 1, "python3.12": 1, "python3": 0}, "python3"),
        ({"python3.11": 1, "python3.12": 1, "python3": 1, "python": 1}, ""),
    ],
)
def test_the_first_python_that_fits_is_found(tmp_path, versions, found):
    environment = pretend(tmp_path / "bin", {name: f"exit {n}" for name, n in versions.items()})
    done = subprocess.run([ENVS / "find-python"], env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == found
