"""Which code, versions and seed made a model, told beside it and under the table."""

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
    """A repository of one commit."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init")
    (folder / "code.py").write_text("1\n")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "First")
    return folder


class TestTheCheckout:
    def test_its_commit_and_whether_it_has_changed(self, repository):
        commit = git(repository, "rev-parse", "HEAD")
        (repository / "mine.yaml").write_text("an overlay is no change\n")
        assert checkout.state(repository) == {"commit": commit, "uncommitted_changes": False}
        (repository / "code.py").write_text("2\n")
        assert checkout.state(repository) == {"commit": commit, "uncommitted_changes": True}

    def test_unknown_outside_a_repository_and_deep_in_anothers(self, repository, tmp_path):
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


class TestTheSentence:
    def test_one_commit(self):
        told = "Trained with python 3.11.2, mxnet 1.9.1; seed 7; commit aaaaaaaaaa."
        assert provenance.sentence([fit(), fit()]) == told

    def test_all_that_differ_are_named(self):
        other = fit(commit="b" * 40, uncommitted_changes=True, versions={"torch": "2"})
        told = provenance.sentence([fit(), other, fit(**UNKNOWN)])
        assert "python 3.11.2, mxnet 1.9.1 and torch 2;" in told
        assert told.endswith("aaaaaaaaaa and bbbbbbbbbb with uncommitted changes and unknown.")

    def test_no_commit(self):
        assert provenance.sentence([fit(**UNKNOWN)]).endswith("; the commit is unknown.")


@pytest.mark.slow
def test_another_commit_trains_nothing_again(tmp_path):
    training = Training(tmp_path, "frequency_32x1", max_epochs=2)
    for commit in ("a" * 40, "b" * 40):
        git_says(tmp_path / commit, commit)
        path = f"{tmp_path / commit}{os.pathsep}{os.environ['PATH']}"
        assert training.run("model", env=os.environ | {"PATH": path}) == 0, training.log("model")
        record = json.loads((tmp_path / "model" / "fit.json").read_text())
        assert (record["commit"], record["uncommitted_changes"]) == (commit, False)
    assert training.log("model").count("epoch 1:") == 1
    assert "continuing after epoch 2" in training.log("model")


def git_says(folder, commit):
    """A program git of a clean checkout of this commit."""
    folder.mkdir()
    (folder / "git").write_text(f'#!/bin/sh\ncase "$*" in *HEAD) echo {commit} ;; esac\n')
    (folder / "git").chmod(0o755)
