"""The workflow as a user runs it: plans, odd inputs, errors, the data set of the paper."""

import hashlib
import json
import os
import re
import shutil
import tarfile
from itertools import repeat

import numpy as np
import pandas as pd
import pytest
import yaml

from tests.audio_folders import HOSTILE
from tests.conftest import clicks, only, shipped_config, write_wav
from tests.fault_server import Answer, FaultServer
from tests.runs import DATA, SMOKE, UP_TO_THE_TABLE, finished, planned


def test_the_shipped_configuration_plans_120_trainings_without_data(workflow):
    jobs = planned(workflow("-n"))
    assert jobs["train"] == 120
    assert (jobs["evaluate"], jobs["extract_mel"], jobs["download"]) == (12, 16, 2)
    assert not (workflow.folder / "data").exists()
    assert not (workflow.folder / "results").exists()


def test_timefrequency_init_requires_the_models_of_its_own_fold(workflow):
    target = "results/ballroom/models/timefrequency_init/fold-3/weights.npz"
    output = workflow(target, "-n")
    assert planned(output)["train"] == 3
    messages = re.findall(r"Job \d+: (Train .*)", output)
    assert sorted(messages) == [
        "Train frequency_32x1, fold 3",
        "Train time_1x60, fold 3",
        "Train timefrequency_init, fold 3",
    ]


INVALID = {
    "missing folder": "audio_dir ../audio is not a folder",
    "empty class": "class folder ../audio/empty contains no audio",
    "no classes": "has neither sub-folders nor a tracks.csv",
    "few tracks": "folds need at least 3 tracks of each class, but there are fewer of few (2)",
    "dangling link": "audio/slow/link.wav cannot be read: it is a broken link",
}


@pytest.mark.parametrize(
    "problem",
    # tests/dataset has more of them; here is what one does to a run.
    [p if p == "few tracks" else pytest.param(p, marks=pytest.mark.endurance) for p in INVALID],
)
def test_an_invalid_folder_is_reported_and_no_partial_file_remains(workflow, audio, problem):
    rng = np.random.default_rng(0)
    if problem == "missing folder":
        shutil.rmtree(audio)
    if problem == "empty class":
        (audio / "empty").mkdir()
    if problem == "no classes":
        shutil.rmtree(audio)
        audio.mkdir()
    if problem == "few tracks":
        for number in range(2):
            write_wav(audio / "few" / f"{number}.wav", clicks(rng, 90, 8))
    if problem == "dangling link":
        (audio / "slow/link.wav").symlink_to("nowhere.wav")
    code, output = workflow(*SMOKE, check=False)
    assert code != 0
    assert INVALID[problem] in output, output
    assert "Traceback" not in output
    results = workflow.folder / "results"
    assert not list(results.rglob("*partial*"))
    assert not list(results.rglob("weights.npz")) and not list(results.rglob("table1*"))


BAD_AUDIO = {
    "slow/not audio.wav": "cannot be decoded as audio: it is a text file, not audio",
    "slow/short.wav": "is too short: 45 frames, a segment of 80 takes 1.9 s",
    "middle/empty.ogg": "is empty",
    "middle/silent.wav": "is silent throughout",
    "fast/cut.wav": "is truncated: 5.0 of 8.0 s remain",
    "fast/link.wav": "cannot be read: it is missing, a broken link",
}


def write_bad_audio(audio):
    """Add the files of BAD_AUDIO to the good ones."""
    rng = np.random.default_rng(0)
    (audio / "slow/not audio.wav").write_text("no audio\n" * 1000)
    write_wav(audio / "slow/short.wav", clicks(rng, 70, 1.0))
    (audio / "middle/empty.ogg").touch()
    write_wav(audio / "middle/silent.wav", np.zeros(8 * 44100))
    write_wav(audio / "fast/cut.wav", clicks(rng, 170, 8))
    os.truncate(audio / "fast/cut.wav", 44 + 2 * 5 * 44100)
    (audio / "fast/link.wav").symlink_to("nowhere.wav")


@pytest.mark.endurance
def test_all_bad_audio_is_listed_at_once_or_skipped_with_its_reasons(workflow, audio):
    write_bad_audio(audio)
    code, output = workflow(*SMOKE, check=False)
    assert code != 0 and "1 of 18 tracks cannot be used" in output, "found before the extraction"
    (audio / "fast/link.wav").unlink()
    code, output = workflow(*SMOKE, check=False)
    assert code != 0 and "Traceback" not in output
    assert "5 of 17 tracks cannot be used; fix or remove them, or skip them" in output
    for name, reason in BAD_AUDIO.items():
        assert (f"audio/{name} {reason}" in output) == (name != "fast/link.wav")
    folder = workflow.folder / DATA
    assert not (folder / "folds.csv").exists() and not (folder / "skipped.csv").exists()

    (audio / "fast/link.wav").symlink_to("nowhere.wav")
    (workflow.folder / "own.yaml").write_text(yaml.safe_dump({"variants": only(time_1x60={})}))
    command = (*SMOKE[:2], "own.yaml", *SMOKE[2:], "on_bad_audio=skip", *UP_TO_THE_TABLE)
    jobs = finished(workflow(*command))
    assert jobs["train"] == 3 and jobs["extract_mel"] == 0, "each file is decoded once"
    skipped = pd.read_csv(folder / "skipped.csv")
    assert skipped.columns.tolist() == ["track_id", "label", "path", "reason", "table_checksum"]
    reasons = {row.path.split("audio/", 1)[1]: row.reason for row in skipped.itertuples()}
    assert reasons.keys() == BAD_AUDIO.keys()
    assert all(reasons[name].startswith(reason) for name, reason in BAD_AUDIO.items())
    assert len(pd.read_csv(folder / "folds.csv")) == 12
    assert "6 tracks were skipped" in (folder / "table1.md").read_text()

    for number in (1, 2):
        (audio / f"slow/slow {number}.wav").write_bytes(b"")
    code, output = workflow(*command, check=False)
    assert code != 0
    assert "3 folds need at least 3 tracks of each class, but there are fewer of slow (2)" in output


def snapshot(folder):
    """The size and the modification time of each path below a folder."""
    return {
        str(path): (path.lstat().st_size, path.lstat().st_mtime_ns) for path in folder.rglob("*")
    }


def test_unusual_names_are_used_from_audio_to_training(workflow, tmp_path):
    """Classes, folders and files with names that a shell, a CSV file or a decoder may misread."""
    audio = tmp_path / "my 'audio' \"$(touch pwned)\" {x}"
    classes = ["-rf", "$(touch pwned); 'x'", 'comma, "quoted"']
    rng = np.random.default_rng(0)
    for number, label in enumerate(classes):
        names = [HOSTILE[(4 * number + i) % len(HOSTILE)] for i in range(4)]
        for name in names:
            write_wav(audio / label / name, clicks(rng, 60 + 50 * number, 8))
    write_wav(audio / classes[0] / "same.wav", clicks(rng, 60, 8))
    write_wav(audio / classes[0] / "deep" / "same.wav", clicks(rng, 61, 8))
    for folder in [audio, *audio.rglob("*")]:
        folder.chmod(0o555 if folder.is_dir() else 0o444)
    before = snapshot(audio)
    try:
        (tmp_path / "own.yaml").write_text(
            yaml.safe_dump({"dataset": "folder", "audio_dir": str(audio)})
        )
        target = f"{DATA}/models/time_1x60/fold-0/weights.npz"
        workflow(target, *SMOKE[:2], tmp_path / "own.yaml")
    finally:
        for folder in [audio, *(path for path in audio.rglob("*") if path.is_dir())]:
            folder.chmod(0o755)
    assert snapshot(audio) == before, "the audio folder is read only"
    labels = pd.read_csv(workflow.folder / DATA / "folds.csv")
    assert sorted(labels["label"].unique()) == sorted(classes)
    assert len(labels) == 14 and labels["track_id"].is_unique
    assert not list(tmp_path.rglob("pwned"))


@pytest.mark.endurance
def test_the_authors_preset_trains(workflow, audio):
    own = audio.parent / "own.yaml"
    long = {name: None for name in shipped_config()["variants"] if name.endswith("200")}
    small = {"shards": 2, "folds": 3, "training": {"max_epochs": 1}, "variants": long}
    own.write_text(yaml.safe_dump(small))
    workflow(
        "results/authors/models/time_1x60/fold-0/weights.npz",
        *("--configfile", "presets/authors.yaml", own),
        *("--config", "dataset=folder", f"audio_dir={audio}"),
    )
    folder = workflow.folder / "results/authors"
    fit = json.loads((folder / "models/time_1x60/fold-0/fit.json").read_text())
    # 8 tracks with 4 segments are not in the test fold; half of these segments validate.
    assert (fit["n_train_segments"], fit["n_validation_segments"]) == (16, 16)
    scaler = json.loads((folder / "scaler.json").read_text())
    assert scaler["normalisation"] == "dataset"
    assert len({(fold["mean"], fold["std"]) for fold in scaler["folds"]}) == 1


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("fold=3", "unknown configuration key fold in config; did you mean folds?"),
        ("folds=many", "configuration key folds must be of type integer, not 'many'"),
        ("dataset=folder", "dataset is folder, but audio_dir is not set"),
    ],
)
def test_an_invalid_configuration_stops_before_any_job(workflow, setting, sentence):
    code, output = workflow("-n", "--config", setting, check=False)
    assert code != 0
    assert sentence in output and "Traceback" not in output
    assert not (workflow.folder / "results").exists()


@pytest.mark.endurance
def test_jobs_find_python_and_modules_in_another_folder(workflow, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    output = workflow(
        *("--directory", elsewhere, "--config", "dataset=demo", "--"),
        "data/demo/Tango/Tango-01.wav",
    )
    assert finished(output) == {"synthesise": 1}
    assert (elsewhere / "data/demo/Tango/Tango-01.wav").is_file()


@pytest.mark.endurance
def test_a_small_ballroom_from_archives_to_table_1(workflow, tmp_path):
    """Download, unpacking, merged Rumba folders, annotated tempi and the numbers of the paper."""
    rng = np.random.default_rng(0)
    folders = {"Rumba-American": 100, "Rumba-International": 100, "Rumba-Misc": 100, "Waltz": 87}
    for folder, tempo in folders.items():
        for number in range(1 if folder.startswith("Rumba") else 3):
            name = f"Media-{folder}-{number}"
            write_wav(tmp_path / "BallroomData" / folder / f"{name}.wav", clicks(rng, tempo, 6))
            bpm = tmp_path / "BallroomAnnotations" / "ballroomGroundTruth" / f"{name}.bpm"
            bpm.parent.mkdir(parents=True, exist_ok=True)
            bpm.write_text(f"{tempo}\n")
    own = {"name": "small", "shards": 2, "folds": 3, "ballroom": {}}
    own["training"] = {"max_epochs": 1, "batch_size": 2}
    own["variants"] = only(time_1x60={})
    archives = {}
    for part, folder in {"audio": "BallroomData", "tempi": "BallroomAnnotations"}.items():
        archives[part] = tmp_path / f"my {part}.tar.gz"
        with tarfile.open(archives[part], "w:gz") as file:
            file.add(tmp_path / folder, folder)
        own["ballroom"][f"{part}_md5"] = hashlib.md5(archives[part].read_bytes()).hexdigest()
    own["ballroom"]["archive"] = str(archives["audio"])
    before = archives["audio"].stat()
    server = FaultServer(archives["tempi"].read_bytes())
    # The first URL has no file; the second cuts the connection once.
    server.answers = {"/gone": repeat(Answer(status=404)), "/tempi": iter([Answer(sent=100)])}
    own["ballroom"]["tempi_urls"] = [server.url("/gone"), server.url("/tempi")]
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(own))
    without_proxy = {"NO_PROXY": "127.0.0.1"}
    output = workflow(
        *("--configfile", tmp_path / "own.yaml", *UP_TO_THE_TABLE), environment=without_proxy
    )
    server.close()
    jobs = finished(output)
    assert (jobs["download"], jobs["unpack"], jobs["train"]) == (1, 1, 3)
    assert server.ranges("/tempi") == [None, "bytes=100-"]
    data = workflow.folder / "data" / "ballroom"
    for text in (output, (data / "logs" / "download-tempi.log").read_text()):
        assert "/gone: 404 Not Found\n" in text and re.search(
            "/tempi: .*; trying again in 1 s", text
        )
        assert "bytes, MD5 sum as expected\n" in text
    for text in (output, (data / "logs" / "unpack.log").read_text()):
        assert text.count("CC BY-NC-SA 4.0") == 1 and text.count("Gouyon") == 1
    assert not (data / "audio.tar.gz").exists()
    assert (data / "tempi.tar.gz").read_bytes() == archives["tempi"].read_bytes()
    after = archives["audio"].stat()
    assert (after.st_mtime_ns, after.st_size) == (before.st_mtime_ns, before.st_size)
    own["ballroom"]["tempi_urls"].append("https://a.mirror/data2.tar.gz")
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(own))
    assert planned(workflow("-n", "--configfile", tmp_path / "own.yaml", *UP_TO_THE_TABLE)) == {}
    folder = workflow.folder / "results" / "small"
    tracks = pd.read_csv(folder / "tracks.csv")
    assert tracks["label"].tolist() == ["Rumba"] * 3 + ["Waltz"] * 3
    assert tracks["bpm"].tolist() == [100] * 3 + [87] * 3
    row = pd.read_csv(folder / "table1.csv").iloc[0]
    assert (row["baseline"], row["baseline_accuracy"]) == ("tempo_1nn", 100)
    assert (row["paper_accuracy_mean"], row["paper_accuracy_std"]) == (81.79, 4.72)
    assert row["paper_baseline_accuracy"] == 82.3
    assert "81.79 ± 4.72" in (folder / "table1.md").read_text()
