"""Started from another folder, with -s, -d or both, the workflow uses its own config.yaml."""

import subprocess

import pytest

from tests import processes
from tests.conftest import ROOT, write_classes
from tests.runs import planned

pytestmark = pytest.mark.workflow

SMOKE = ROOT / "presets/smoke.yaml"


def snakemake(folder, *arguments, check=True):
    """A dry run of snakemake in `folder`; its output."""
    code, output = processes.run(
        *("snakemake", "--cores", 1, "-n", *arguments),
        folder=folder,
        environment={"PYTHONPATH": ""},
    )
    assert "Traceback" not in output
    assert not check or code == 0, output
    return output


def of(*arguments):
    return ("--configfile", *arguments)


@pytest.fixture
def elsewhere(tmp_path):
    """A folder with music and without the workflow."""
    write_classes(tmp_path / "music")
    return tmp_path


@pytest.mark.parametrize("way", ["-s", "-d", "below"])
def test_a_preset_is_an_overlay_of_the_shipped_configuration(elsewhere, way):
    config = ("--config", "dataset=folder", "audio_dir=music", "name=010", "--")
    snakefile, folder = ("-s", ROOT / "Snakefile"), ("-d", elsewhere)
    target = "results/010/tracks.csv"
    match way:
        case "-s":
            output = snakemake(elsewhere, *snakefile, *of(SMOKE), *config, target)
        case "-d":
            output = snakemake(ROOT, *folder, *of("presets/smoke.yaml"), *config, target)
        case "below":
            # A path without the folder's own name, as a user types it.
            output = snakemake(
                *(ROOT / "presets", "-s", "../Snakefile", *folder),
                *(*of("smoke.yaml"), *config, target),
            )
    assert planned(output)["list_tracks"] == 1
    assert not (ROOT / "results/010").exists()


def test_a_config_yaml_of_another_project_is_not_read(elsewhere):
    (elsewhere / "config.yaml").write_text("samples: 3\n")
    arguments = ("-s", ROOT / "Snakefile", "--config", "dataset=demo", "--", "list_tracks")
    assert planned(snakemake(elsewhere, *arguments))["list_tracks"] == 1


def test_music_can_be_labelled_from_elsewhere(elsewhere):
    (elsewhere / "1e5").touch()
    output = snakemake(
        *(elsewhere, "-s", ROOT / "label.smk"),
        *("--config", "model=1e5", "audio_dir=music", "name=010"),
    )
    assert planned(output)["list_audio"] == 1


def test_results_of_another_checkout_name_a_command_that_works_there(elsewhere):
    results = elsewhere / "results/demo"
    results.mkdir(parents=True)
    (results / "tracks.csv").touch()
    arguments = ("-s", ROOT / "Snakefile", "--config", "dataset=demo")
    output = " ".join(snakemake(elsewhere, *arguments, check=False).split())
    command = output.partition("run `")[2].partition("`")[0]
    assert command, output
    done = subprocess.run(
        command, cwd=elsewhere, shell=True, check=True, capture_output=True, text=True
    )
    assert "results/demo is adopted" in done.stderr
