"""A command or a step without its packages says so in a sentence, with what to install."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest

from tests.conftest import ROOT, clicks, write_wav
from tests.model_files import packed
from workflow_scripts import missing_packages

# Those that labelling imports itself, and one that Essentia imports.
LABELLING = ("numpy", "essentia", "onnx", "onnxruntime", "six")
# Makes a package look as if it was not installed.
HIDE = """
import sys
class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {package!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Hidden())
"""
MODULES = sorted(
    f"{path.parent.name}.{path.stem}"
    for folder in ("commands", "steps")
    for path in (ROOT / "workflow_scripts" / folder).glob("[a-z]*.py")
)


def run(*arguments, folder=ROOT, **environment):
    """Run this Python; return its exit code and its errors."""
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=folder,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stderr


def is_a_sentence(error, package=r"[\w.]+"):
    return re.fullmatch(rf"error: this Python, .*, lacks the package {package}; .*\n", error)


@pytest.mark.workflow
@pytest.mark.parametrize("module", MODULES)
def test_a_python_without_packages_runs_or_says_what_it_lacks(module):
    """With -S, Python has no packages, as one that is not of the environment."""
    code, error = run("-S", "-m", f"workflow_scripts.{module}", "--help")
    if code == 0:
        assert error == ""
    else:
        assert code == 1 and is_a_sentence(error), error
        assert ("envs/label.txt" in error) == (module in missing_packages.LABELLING)


@pytest.mark.workflow
@pytest.mark.parametrize("package", LABELLING)
def test_the_labeller_names_the_package_that_it_lacks(package, tmp_path):
    model = packed(tmp_path / "model.zip", "time_1x60")
    write_wav(tmp_path / "a.wav", clicks(np.random.default_rng(0), 120, 8))
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(HIDE.format(package=package))
    label = ("-m", "workflow_scripts.commands.label", "--model", model, tmp_path / "a.wav")
    code, error = run(*label, PYTHONPATH=str(hidden))
    assert code == 1 and is_a_sentence(error, rf"{package}[\w.]*"), error
    assert "--requirement envs/label.txt" in error


def test_an_old_python_is_refused_when_a_module_is_started(monkeypatch):
    monkeypatch.setattr(missing_packages, "OLDEST", (99, 0))
    missing_packages.explain()  # a program that imports this package goes on
    monkeypatch.setattr(sys, "argv", ["-m"])
    with pytest.raises(SystemExit, match=r"error: Python 3\.\d+ is too old; .*\.venv"):
        missing_packages.explain()


def test_other_errors_and_our_own_modules_keep_their_traceback():
    for error in (
        ModuleNotFoundError("No module named 'workflow_scripts.x'", name="workflow_scripts.x"),
        ModuleNotFoundError("raised by hand"),
        ImportError("cannot import name", name="numpy"),
        ValueError("numpy"),
    ):
        assert missing_packages.missing(error) is None


def test_an_optional_package_is_installed_by_itself(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(HIDE.format(package="mirdata"))
    tracks = ("-m", "workflow_scripts.commands.tracks", "gtzan_genre")
    code, error = run(*tracks, PYTHONPATH=str(tmp_path))
    assert code == 1 and is_a_sentence(error, "mirdata")
    assert error.endswith(f"it is optional: {sys.executable} -m pip install mirdata\n")
