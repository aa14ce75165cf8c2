"""Labelling of music: the command, and tracks that cannot be labelled."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import soundfile

from tests.conftest import ROOT, clicks, write_wav
from tests.labelling.test_prediction import a_prediction
from tests.model_files import CLASSES, packed
from tests.papers import mel_bands
from tests.processes import restore_sigint
from tests.runs import run_module
from workflow_scripts.audio import decoding, front_end
from workflow_scripts.audio.decoding import NotAudioError
from workflow_scripts.audio.front_end import TOO_LOUD
from workflow_scripts.audio.worker import Worker
from workflow_scripts.commands import label
from workflow_scripts.labelling.find_audio import find
from workflow_scripts.labelling.label_tracks import Labelled, label_all, label_one

TEXT = "it is a text file, not audio"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A packed file of two variants with different input lengths, two folds each."""
    path = tmp_path_factory.mktemp("model") / "model.zip"
    return packed(path, "time_1x60", "time_1x200")


@pytest.fixture(scope="module")
def track(tmp_path_factory):
    """Twelve seconds of clicks."""
    path = tmp_path_factory.mktemp("track") / "a track.wav"
    write_wav(path, clicks(np.random.default_rng(0), 120, 12))
    return path


def sleep(path):
    time.sleep(60)


def make_a_copy(end, path):
    Path(tempfile.mkdtemp(), "copy.wav").touch()
    if end == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


@pytest.mark.workflow
class TestBadTracks:
    def problems(self, model, *tracks, n_processes=1):
        return [labelled.problem for labelled in label_all(model, tracks, n_processes)]

    def test_other_tracks_are_still_labelled(self, model, track, tmp_path):
        write_wav(tmp_path / "silent.wav", np.zeros(44100 * 8))
        write_wav(tmp_path / "short.wav", clicks(np.random.default_rng(0), 120, 4))
        (tmp_path / "empty.wav").touch()
        (tmp_path / "text.mp3").write_text("no audio")
        soundfile.write(tmp_path / "loud.wav", np.full(44100 * 8, 1e19), 44100, "FLOAT")
        os.mkfifo(tmp_path / "pipe.wav")
        names = ("silent.wav", "short.wav", "empty.wav", "text.mp3", "none.wav", "loud.wav")
        names += ("pipe.wav",)
        tracks = [track, *(tmp_path / name for name in names), track]
        problems = self.problems(model, *tracks, n_processes=2)
        assert problems[0] == problems[-1] == ""
        assert problems[1] == "is silent throughout"
        assert re.match(
            r"is too short: 4\.\d\d s, and the model needs segments of 5\.80 s", problems[2]
        )
        assert problems[3:5] == ["is empty", f"cannot be decoded as audio: {TEXT}"]
        assert problems[5] == "cannot be read: it does not exist"
        assert problems[6] == TOO_LOUD
        assert problems[7] == "cannot be read: it is a named pipe, not a regular file"
        (too_long,) = self.problems(model, tmp_path / ("x" * 300))
        assert too_long == "cannot be read: File name too long"

    @pytest.mark.timing
    def test_a_decoder_that_takes_too_long_is_stopped(self, track):
        with Worker(sleep, seconds=1) as worker:
            started = time.monotonic()
            with pytest.raises(NotAudioError, match="takes longer than 1 s"):
                worker(track)
            assert time.monotonic() - started < 20

    def test_names_may_have_any_bytes(self, model, track, tmp_path):
        for name in (b"\xff\xfe.wav", b"\x1b[2J\n.wav", b"-rf.wav", b"{x} 'y'.wav", b"a:b.wav"):
            (tmp_path / os.fsdecode(name)).hardlink_to(track)
        tracks = find([tmp_path]).tracks
        assert len(tracks) == 5
        assert self.problems(model, *tracks) == [""] * 5

    @pytest.mark.parametrize(
        "playlist",
        [
            "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{track}\n#EXT-X-ENDLIST\n",
            "ffconcat version 1.0\nfile {track}\n",
            "{track}\n",
        ],
    )
    def test_a_playlist_opens_no_other_file(self, model, track, tmp_path, playlist):
        for suffix in (".m3u8", ".wav"):
            hostile = tmp_path / f"list{suffix}"
            hostile.write_text(playlist.format(track=track))
            (problem,) = self.problems(model, hostile)
            assert problem == f"cannot be decoded as audio: {TEXT}"

    @pytest.mark.parametrize("n_channels", [1, 3])
    def test_a_track_longer_than_the_limit_is_refused(self, tmp_path, monkeypatch, n_channels):
        monkeypatch.setattr(front_end, "LONGEST", 20)
        monkeypatch.setattr(decoding, "LONGEST", 20)
        monkeypatch.setattr(front_end, "AT_ONCE", 5)
        path = tmp_path / "long.flac"
        for seconds, refused in ((19, False), (100, True)):
            soundfile.write(path, np.full((44100 * seconds, n_channels), 0.1), 44100)
            with pytest.raises(NotAudioError) if refused else nullcontext() as failure:
                mel_bands(path)
        assert str(failure.value) == "is longer than 12 hours"

    @pytest.mark.timing
    @pytest.mark.parametrize("end", ["kill", "time"])
    def test_temporary_copies_are_removed_with_their_process(
        self, track, tmp_path, monkeypatch, end
    ):
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        with Worker(partial(make_a_copy, end), seconds=3) as worker:
            with pytest.raises(NotAudioError):
                worker(track)
            assert not [*tmp_path.rglob("*.wav")]
        assert not [*tmp_path.iterdir()]


@pytest.mark.workflow
class TestCommand:
    def test_it_prints_the_prediction(self, model, track, tmp_path):
        code, output = run_module(
            "commands.label", "--model", model, track, "--plot", tmp_path / "plots"
        )
        first, second = output.splitlines()
        assert code == 0
        predicted = r"(\w+) \(probability 0\.\d\d, \d+ % of the votes\)"
        assert re.fullmatch(rf"{track}: {predicted}, then (\w+) \(0\.\d\d, \d+ %\)", first)
        assert second.startswith("    0:00 ")
        ElementTree.parse(tmp_path / "plots/a track.svg")

    def test_each_picture_has_a_different_name(self, model, track, tmp_path):
        names = ("a.wav", "b/a.wav", "a-2.wav", "c/a.wav", f"{'あ' * 80}.wav")
        for name in names:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).hardlink_to(track)
        tracks = [Labelled(tmp_path / name, a_prediction()) for name in names]
        assert list(label.drawn(tracks, tmp_path / "plots")) == tracks
        drawn = sorted(path.stem for path in (tmp_path / "plots").iterdir())
        assert drawn == ["a", "a-2", "a-2-2", "a-3", "あ" * 60]

    def test_it_leaves_no_file(self, model, track, tmp_path):
        home = tmp_path / "home"
        home.mkdir()
        code = subprocess.run(
            [sys.executable, "-m", "workflow_scripts.commands.label", "--model", model, track],
            cwd=ROOT,
            env=os.environ | {"HOME": str(home), "TMPDIR": str(home), "XDG_CACHE_HOME": str(home)},
            stdout=subprocess.PIPE,
            check=True,
        )
        assert code.returncode == 0 and not [*home.rglob("*")]

    @pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
    def test_output_streams_may_be_closed(self, model, track, closed):
        label = f"{sys.executable} -m workflow_scripts.commands.label"
        command = f"{label} --model {model} '{track}' {closed}"
        done = subprocess.run(["bash", "-c", command], cwd=ROOT, stderr=subprocess.PIPE, text=True)
        assert (done.returncode, done.stderr) == (0, "")

    def test_a_bad_file_changes_the_exit_code(self, model, track, tmp_path):
        (tmp_path / "bad.wav").write_text("no audio")
        out = tmp_path / "out.json"
        with out.open("w") as file:
            command = [
                "-m",
                "workflow_scripts.commands.label",
                "--model",
                model,
                "--format",
                "json",
            ]
            done = subprocess.run(
                [sys.executable, *map(str, command), tmp_path / "bad.wav", track],
                stdout=file,
                stderr=subprocess.PIPE,
                text=True,
                cwd=ROOT,
            )
        assert done.returncode == 1
        assert done.stderr == "error: 1 of 2 tracks could not be labelled; see the output\n"
        bad, good = json.loads(out.read_text())
        assert "problem" in bad and good["class"] in CLASSES

    @pytest.mark.parametrize(
        ("arguments", "sentence"),
        [
            (("--model", "none.zip", "x.wav"), r"error: the model none\.zip is not a file; check"),
            (("--model", "README.md", "x.wav"), r"error: the model README\.md is damaged, or no"),
            (("--model", "/dev/zero", "x.wav"), "error: the model /dev/zero is not a file; check"),
            (
                ("--model", "{model}", "--plot", "README.md/x", "x.wav"),
                r"error: cannot make the folder README\.md/x: Not a directory; give another",
            ),
            (
                ("--model", "\x1b[2J.zip", "x.wav"),
                r"error: the model \\x1b\[2J\.zip is not a file; check the path",
            ),
            (("--model", "{model}", "envs"), r"error: there is no audio in envs; give files or"),
        ],
    )
    def test_a_mistake_is_reported_in_one_sentence(self, model, arguments, sentence):
        code, output = run_module("commands.label", *(a.format(model=model) for a in arguments))
        assert code == 1
        assert re.fullmatch(rf"(\d+ files .*\n)?{sentence}.*\n", output)

    def test_a_closed_pipe_is_not_an_error(self, model, track):
        command = (
            f"{sys.executable} -m workflow_scripts.commands.label --model {model} '{track}' | true"
        )
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command], cwd=ROOT, stderr=subprocess.PIPE, text=True
        )
        assert (done.returncode, done.stderr) == (0, "")

    @pytest.mark.timing
    @pytest.mark.parametrize(
        "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.endurance)]
    )
    def test_no_process_remains_after_an_interruption(self, model, track, tmp_path, number):
        for copy in range(400):
            (tmp_path / f"{copy}.wav").hardlink_to(track)
        command = [
            "-m",
            "workflow_scripts.commands.label",
            "--model",
            model,
            "--jobs",
            "2",
            tmp_path,
        ]
        running = subprocess.Popen(
            [sys.executable, *map(str, command)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=restore_sigint,
        )
        running.stdout.readline()
        os.killpg(running.pid, number)
        _, output = running.communicate(timeout=20)
        assert (running.returncode, output) == (1, "interrupted\n")
        deadline = time.monotonic() + 10
        with pytest.raises(ProcessLookupError):
            while time.monotonic() < deadline:
                os.killpg(running.pid, 0)
                time.sleep(0.1)

    def test_the_progress_of_many_tracks_is_reported(self, model, track, monkeypatch, capsys):
        from workflow_scripts.labelling import progress

        monkeypatch.setattr(progress, "SECONDS_LOG", -1)
        tracks = [Labelled(track, None, "bad"), Labelled(track, a_prediction())]
        assert list(progress.shown(tracks, 2)) == tracks
        assert re.match(
            r"1 of 2 tracks, 1 not labelled, [\d.]+ a second, \d+ s left\n2 of 2",
            capsys.readouterr().err,
        )

    def test_it_needs_only_essentia_numpy_and_onnx(self, model, track, tmp_path):
        """Other installed packages raise when they are imported."""
        others = (
            *("mxnet", "torch", "pandas", "scipy", "soundfile", "tinytag", "tqdm"),
            *("snakemake", "matplotlib", "sklearn", "filelock", "jinja2", "requests"),
        )
        for name in others:
            (tmp_path / f"{name}.py").write_text("raise ImportError('not in this environment')")
        steps = "from workflow_scripts.steps import collect_labels, label_shard, list_audio"
        for command in (
            ("-m", "workflow_scripts.commands.label", "--model", model, track),
            # These steps run in the same environment, see label.smk.
            ("-c", steps),
        ):
            done = subprocess.run(
                [sys.executable, *command],
                cwd=ROOT,
                env=os.environ | {"PYTHONPATH": str(tmp_path)},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            assert done.returncode == 0, done.stdout


class TestFinishedRun:
    def test_predictions_are_those_of_evaluation(self, done):
        """Each track is predicted by the model of its test fold."""
        results = done[0] / "workflow/results/smoke"
        path_of = pd.read_csv(results / "tracks.csv").set_index("track_id")["path"]
        n_tracks = 0
        for onnx in results.glob("onnx/*/*.onnx"):
            csv_file = results / "predictions" / onnx.parent.name / f"{onnx.stem}.csv"
            table = pd.read_csv(csv_file)
            tracks = [done[0] / "workflow" / path_of[name] for name in table["track_id"]]
            for track, (_, row) in zip(tracks, table.iterrows(), strict=True):
                prediction = label_one(onnx, track)
                assert prediction.label == row["predicted"]
                expected = [row[f"probability_{name}"] for name in prediction.classes]
                assert np.abs(np.subtract(prediction.probabilities, expected)).max() < 1e-5
                n_tracks += 1
        assert n_tracks == 12 * len(list(results.glob("onnx/*")))

    @pytest.mark.endurance
    def test_the_labelling_environment_is_sufficient(self, model, track, tmp_path):
        """The environment of envs/label.txt, made as in docs/labelling.md."""
        subprocess.run([sys.executable, "-m", "venv", tmp_path / "small"], check=True)
        python = tmp_path / "small/bin/python"
        install = ["-m", "pip", "install", "--quiet", "--require-hashes", "--requirement"]
        subprocess.run([python, *install, ROOT / "envs/label.txt"], check=True)
        label = [
            "-m",
            "workflow_scripts.commands.label",
            "--model",
            model,
            "--format",
            "json",
            track,
        ]
        output = [
            subprocess.run([p, *label], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
            for p in (python, sys.executable)
        ]
        (small,), (large,) = map(json.loads, output)
        assert small == large
        installed = subprocess.run(
            [python, "-m", "pip", "list", "--format", "json"], check=True, stdout=subprocess.PIPE
        )
        names = {package["name"] for package in json.loads(installed.stdout)}
        assert not names & {"mxnet", "torch", "pandas", "snakemake", "soundfile"}
