"""The code, versions and seed of a model, in fit.json and under the table."""

import json
import os
import subprocess

import pytest

from tests.training_data import Training
from workflow_scripts.results import provenance
from workflow_scripts.workflow import checkout

UNKNOWN = {"commit": None, "uncommitted_changes": None}


def git(folder, *arguments):
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    command = ["git", "-C", folder, *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path):
    """A repository with one commit."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init")
    (folder / "code.py").write_text("1\n")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "First")
    return folder


class TestCheckout:
    def test_returns_the_commit_and_whether_tracked_files_changed(self, repository):
        commit = git(repository, "rev-parse", "HEAD")
        (repository / "mine.yaml").write_text("untracked\n")
        assert checkout.state(repository) == {"commit": commit, "uncommitted_changes": False}
        (repository / "code.py").write_text("2\n")
        assert checkout.state(repository) == {"commit": commit, "uncommitted_changes": True}

    def test_unknown_outside_and_in_a_subfolder_of_a_repository(self, repository, tmp_path):
        (tmp_path / "plain").mkdir()
        (repository / "unpacked").mkdir()
        for folder in (tmp_path / "plain", repository / "unpacked", tmp_path / "nowhere"):
            assert checkout.state(folder) == UNKNOWN

    def test_unknown_without_a_commit_and_without_git(self, repository, tmp_path, monkeypatch):
        git(tmp_path, "init", "empty")
        assert checkout.state(tmp_path / "empty") == UNKNOWN
        monkeypatch.setenv("PATH", str(tmp_path))
        assert checkout.state(repository) == UNKNOWN


def fit(**changes):
    versions = {"python": "3.11.2", "mxnet": "1.9.1"}
    return {
        "versions": versions,
        "seed": 7,
        "commit": "a" * 40,
        "uncommitted_changes": False,
    } | changes


class TestSentence:
    def test_names_versions_seed_and_commit(self):
        expected = "Trained with python 3.11.2, mxnet 1.9.1; seed 7; commit aaaaaaaaaa."
        assert provenance.sentence([fit(), fit()]) == expected

    def test_names_all_different_values(self):
        other = fit(commit="b" * 40, uncommitted_changes=True, versions={"torch": "2"})
        sentence = provenance.sentence([fit(), other, fit(**UNKNOWN)])
        assert "python 3.11.2, mxnet 1.9.1 and torch 2;" in sentence
        assert sentence.endswith("aaaaaaaaaa and bbbbbbbbbb with uncommitted changes and unknown.")

    def test_unknown_commit(self):
        assert provenance.sentence([fit(**UNKNOWN)]).endswith("; the commit is unknown.")


@pytest.mark.workflow
def test_a_new_commit_does_not_repeat_a_finished_training(tmp_path):
    training = Training(tmp_path, "frequency_32x1", max_epochs=2)
    for commit in ("a" * 40, "b" * 40):
        fake_git(tmp_path / commit, commit)
        path = f"{tmp_path / commit}{os.pathsep}{os.environ['PATH']}"
        assert training.run("model", environment={"PATH": path}) == 0, training.log("model")
        record = json.loads((tmp_path / "model" / "fit.json").read_text())
        assert (record["commit"], record["uncommitted_changes"]) == (commit, False)
    assert training.log("model").count("epoch 1:") == 1
    assert "continuing after epoch 2" in training.log("model")


def fake_git(folder, commit):
    """Write a program git that reports a clean checkout of `commit`."""
    folder.mkdir()
    (folder / "git").write_text(f'#!/bin/sh\ncase "$*" in *HEAD) echo {commit} ;; esac\n')
    (folder / "git").chmod(0o755)
