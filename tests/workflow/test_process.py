"""What all steps share: complete files, errors in one sentence, the code that they depend on."""

import errno
import gc
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.processes import restore_sigint
from tests.runs import run_module
from workflow_scripts import interruption
from workflow_scripts.atomic_files import atomic
from workflow_scripts.errors import UserError
from workflow_scripts.paths import ResultPaths
from workflow_scripts.process import run
from workflow_scripts.workflow import code_digests, ownership
from workflow_scripts.workflow.code_digests import WITHOUT_NUMBERS, code_of

RULES = "\n".join(path.read_text() for path in sorted((ROOT / "rules").glob("*.smk")))
STEPS = re.findall(r"^(?:rule|checkpoint) (\w+):", RULES, flags=re.MULTILINE)


class TestAtomic:
    def test_a_file_gets_its_name_when_it_is_complete(self, tmp_path):
        with atomic(tmp_path / "deep" / "a.npy") as path:
            path.write_text("half")
            assert path.suffix == ".npy"
            assert not (tmp_path / "deep" / "a.npy").exists()
        assert [p.name for p in (tmp_path / "deep").iterdir()] == ["a.npy"]

    def test_a_failure_keeps_the_existing_file(self, tmp_path):
        (tmp_path / "a").write_text("old")
        with pytest.raises(ValueError, match="no"), atomic(tmp_path / "a") as path:
            path.write_text("half")
            raise ValueError("no")
        assert [p.read_text() for p in tmp_path.iterdir()] == ["old"]

    def test_the_target_of_a_link_is_replaced(self, tmp_path):
        (tmp_path / "target").write_text("old")
        (tmp_path / "link").symlink_to("target")
        with atomic(tmp_path / "link") as path:
            path.write_text("new")
        assert (tmp_path / "link").is_symlink() and (tmp_path / "target").read_text() == "new"

    def test_a_special_file_is_not_replaced(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        with (
            pytest.raises(UserError, match="pipe is not a regular file; give another file"),
            atomic(tmp_path / "pipe"),
        ):
            pass
        assert (tmp_path / "pipe").is_fifo()


class TestRun:
    def run_step(self, main):
        """Run the line `main` as a step in a new process; return (exit code, stderr)."""
        program = (
            "import atexit, os\n"
            "from workflow_scripts.errors import UserError\n"
            "from workflow_scripts.process import run\n"
            "atexit.register(os.abort)  # as MXNet's threads sometimes do\n"
            f"def main():\n    {main}\n"
            "run(main)"
        )
        command = [sys.executable, "-c", program]
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, preexec_fn=restore_sigint
        )
        return done.returncode, done.stderr

    def test_a_finished_step_exits_with_code_0(self):
        assert self.run_step("print('done')") == (0, "")

    def test_a_user_error_prints_one_sentence(self):
        error = "raise UserError('what, where, what to do')"
        assert self.run_step(error) == (1, "error: what, where, what to do\n")

    def test_a_full_disk_prints_one_sentence(self):
        code, sentence = self.run_step(f"raise OSError({errno.ENOSPC}, 'No space left', 'x.npy')")
        assert code == 1
        assert sentence.startswith("error: cannot use x.npy: No space left; free space, ")
        assert sentence.count("\n") == 1

    @pytest.mark.parametrize("number", ["SIGTERM", "SIGINT"])
    def test_an_interruption_prints_one_sentence_and_exits_with_code_1(self, number):
        stop = f"import signal; os.kill(os.getpid(), signal.{number})"
        assert self.run_step(stop) == (1, "interrupted; run again to continue\n")

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    def test_a_signal_inside_a_destructor_is_raised_later(self, monkeypatch):
        class Interrupted:
            def __del__(self):
                interruption._stop(15, None)

        monkeypatch.setattr(interruption, "_stopped", False)
        interruption.raise_if_stopped()
        Interrupted()
        gc.collect()
        with pytest.raises(KeyboardInterrupt):
            interruption.raise_if_stopped()

    def test_an_error_that_the_user_cannot_fix_keeps_its_traceback(self):
        with pytest.raises(OSError, match="odd"):
            run(lambda: (_ for _ in ()).throw(OSError(errno.EIO, "odd")))


@pytest.mark.workflow
@pytest.mark.parametrize("step", STEPS)
def test_each_rule_has_a_step_of_the_same_name_with_help(step):
    code, output = run_module(f"steps.{step}", "--help")
    assert code == 0
    assert output.startswith(f"usage: {step}.py")


@pytest.mark.workflow
def test_the_code_of_a_step_includes_all_modules_that_it_imports():
    """All modules that Python loads for the step, except those without effect on results."""
    for step in ("assign_folds", "train", "extract_mel", "tabulate"):
        program = (
            f"import sys, workflow_scripts.steps.{step}\n"
            "print(*[m.__file__ for n, m in sys.modules.items() if n.startswith('workflow_s')])"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
        )
        loaded = {path.removeprefix(f"{ROOT}/") for path in done.stdout.split()}
        loaded = {path for path in loaded if not path.endswith("__init__.py")}
        assert loaded - WITHOUT_NUMBERS <= set(code_of(f"steps/{step}"))
    assert "workflow_scripts/networks/checkpoint.py" in code_of("steps/train")
    engine = "workflow_scripts/networks/engine_torch.py"
    assert engine not in code_of("steps/train"), "another engine does not affect a training"
    assert engine in code_of("steps/train", "networks/engine_torch")
    assert not [
        path for path in code_of("steps/train") if "audio/front_end" in path or "result" in path
    ]
    assert "workflow_scripts/dataset/tracks.py" not in code_of("steps/train"), (
        "only list_tracks and select_tracks need it"
    )


def test_data_files_are_code_but_not_what_editors_leave(tmp_path, monkeypatch):
    monkeypatch.setattr(code_digests, "PACKAGE", tmp_path / "workflow_scripts")
    module = tmp_path / "workflow_scripts/page.py"
    templates = module.with_name("templates")
    templates.mkdir(parents=True)
    module.write_text('FOLDER = "templates"  # Größe')
    (templates / "page.html").write_bytes(b"\xff")
    for name in (".DS_Store", ".page.html.swp", "page.html~"):
        (templates / name).write_bytes(b"\xff")
    paths = [line.split()[0] for line in code_digests.digests_of("page")]
    assert paths == ["workflow_scripts/page.py", "workflow_scripts/templates/page.html"]
    code_digests._read.cache_clear()


def test_checkouts_that_start_two_runs_at_once_have_one_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for attempt in range(20):
        monkeypatch.setattr(ownership, "CHECKOUT", Path(f"{attempt}/checkout"))
        runs = [ResultPaths(tmp_path / f"{attempt}-{n}") for n in range(4)]
        for run_ in runs:
            run_.folder.mkdir()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(ownership.mark, runs))
        assert len({results.checkout.read_text() for results in runs}) == 1


def test_only_engines_import_frameworks_and_only_audio_imports_essentia():
    for path in (ROOT / "workflow_scripts").rglob("*.py"):
        text = path.read_text()
        assert ("import mxnet" in text) == (path.name == "loaded_mxnet.py"), path
        of_torch = path.stem == "engine_torch" or path.stem.startswith("torch_")
        assert ("import torch" in text) == of_torch, path
        assert "import essentia" not in text or path.parent.name == "audio", path


# Dependencies run one way: a package imports only packages of earlier layers.
LAYERS = [
    (
        *("errors", "atomic_files", "durations", "interruption", "paths", "process", "version"),
        *("checksums", "checked_tables", "regular_files"),
    ),
    ("audio", "devices", "download"),
    ("dataset", "demo"),
    ("networks",),
    ("results", "interpretation"),
    ("models", "report"),
    ("labelling",),
    ("workflow",),
    ("run_display",),
    ("steps",),
    ("commands",),
]


def test_dependencies_run_one_way():
    allowed = set()
    for layer in LAYERS:
        for name in layer:
            folder = ROOT / "workflow_scripts" / name
            own = allowed | ({name} if folder.is_dir() else set(layer))
            for path in folder.rglob("*.py") if folder.is_dir() else [folder.with_suffix(".py")]:
                imported = re.findall(
                    r"^\s*from workflow_scripts\.(\w+)", path.read_text(), re.MULTILINE
                )
                assert set(imported) <= own, path
        allowed |= set(layer)
    packages = {path.parent.name for path in (ROOT / "workflow_scripts").glob("*/__init__.py")}
    assert packages <= allowed


def test_each_rule_declares_log_benchmark_threads_memory_and_time():
    for text in re.split(r"^(?=rule |checkpoint )", RULES, flags=re.MULTILINE)[1:]:
        if text.startswith("rule estimate:"):
            continue
        for part in ("log:", "benchmark:", "threads:", "mem_mb=", "runtime=", "conda:", "message:"):
            assert part in text, (part, text.splitlines()[0])
