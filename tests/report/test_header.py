"""The head of the page, and what to cite."""

import re

import pandas as pd
import pytest
import yaml

from tests.conftest import ROOT
from workflow_scripts.report import citation, header
from workflow_scripts.version import version


class Tracks:
    """Ten tracks of four classes in three folds."""

    label, classes, n_folds, is_fixed = ("a",) * 10, ("a", "b", "c", "d"), 3, False


NONE = pd.DataFrame({"baseline": [], "fold": [], "accuracy": []})
FIT = {"seed": 7, "commit": "0123456789ab", "uncommitted_changes": False}


def facts(fits, baselines=NONE):
    return dict(header.facts(Tracks, baselines, fits, "demo", "1.2.3"))


def test_facts():
    assert facts([FIT]) == {
        "Data set": "demo, synthesised",
        "Tracks": "10",
        "Classes": "4",
        "Chance": "25.0 %",
        "Folds": "3",
        "Seed": "7",
        "Version": "1.2.3, commit 0123456789",
    }


def test_the_most_probable_class():
    table = {"baseline": ["most_probable_class"] * 2 + ["tempo_1nn"], "accuracy": [40, 50, 99]}
    shown = facts([FIT], pd.DataFrame(table))["Chance"]
    assert shown == "25.0 %; most probable class 45.0 %"


@pytest.mark.parametrize(
    ("days", "shown"),
    [
        (["2026-01-02"], "2026-01-02"),
        (["2026-01-02", "2026-01-02"], "2026-01-02"),
        (["2026-01-09", "2025-12-31", "2026-01-02"], "2025-12-31 to 2026-01-09"),
    ],
)
def test_the_days_of_the_trainings(days, shown):
    fits = [FIT | {"trained_on": day} for day in days]
    assert facts(fits)["Trained"] == shown
    assert "Trained" not in facts([*fits, FIT]), "one is unknown"


def test_several_seeds_and_no_commit():
    shown = facts([FIT | {"seed": seed, "commit": None} for seed in (1, 2, 1)])
    assert shown["Seed"] == "1 and 2" and shown["Version"] == "1.2.3"


def test_citation_cff_is_read_as_text():
    stated = citation.stated()
    assert stated["version"] == version()
    assert isinstance(stated["date-released"], str)


def test_bibtex():
    text = citation.bibtex(citation.stated(), "commit 0123456789")
    paper, software = text.split("\n\n")
    assert paper == (
        "@inproceedings{pons2016,\n"
        "  author = {Pons, Jordi and Lidy, Thomas and Serra, Xavier},\n"
        "  title = {{Experimenting with Musically Motivated Convolutional Neural Networks}},\n"
        "  booktitle = {14th International Workshop on Content-Based Multimedia Indexing (CBMI)},\n"
        "  year = {2016},\n}"
    )
    stated = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert stated["title"] in software
    assert f"version {stated['version']}, commit 0123456789}}" in software
    assert f"year = {{{stated['date-released'].year}}}" in software


def test_bibtex_of_hostile_names():
    names = [{"name": "R&D {\\input{x}} #1_a 100%"}, {"family-names": "O'B}", "given-names": "$"}]
    stated = {"title": "a", "version": "1", "date-released": "2026-01-01", "authors": names}
    text = citation.bibtex(stated)
    author = re.search(r"author = \{(.*)\},", text)[1]
    assert author == "{R\\&D   input x   \\#1\\_a 100\\%} and O'B , \\$"


def test_without_citation_cff_nothing_is_cited():
    assert citation.bibtex({}) == ""
