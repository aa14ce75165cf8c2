"""The results, outputs and report of a finished run."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from tests.results.test_table1 import COLUMNS
from tests.runs import DATA, VARIANTS, finished, full_log


class TestFinishedRun:
    def test_all_jobs_have_finished(self, done):
        _, output, _ = done
        assert finished(output) == {
            "all": 1,
            "list_tracks": 1,
            "select_tracks": 1,
            "find_replicas": 1,
            "assign_folds": 1,
            "extract_mel": 2,
            "detect_tempo": 2,
            "fit_scaler": 1,
            "train": 12,
            "evaluate": 4,
            "evaluate_baselines": 1,
            "tabulate": 1,
            "intervene": 4,
            "tabulate_interventions": 1,
            "interpret": 4,
            "auralise": 1,
            "report": 1,
            "export": 4,
        }

    def test_training_on_the_cpu_is_noted_once(self, done):
        assert done[1].count("Training on the CPU: no GPU is visible.") == 1

    def test_on_a_cpu_the_option_gpu_1_does_not_limit_parallel_trainings(self, done):
        running, most, started = set(), 0, {}
        for line in full_log(done[1]).splitlines():
            if match := re.match(r"Job (\d+): Train ", line):
                started[match[1]] = True
                running.add(match[1])
                most = max(most, len(running))
            elif match := re.match(r"Finished jobid: (\d+) \(Rule: train\)", line):
                running.remove(match[1])
        assert len(started) == 12
        assert most == 2, "one training per core"
        fits = (done[0] / "workflow" / DATA).glob("models/*/*/fit.json")
        assert {json.loads(path.read_text())["device"] for path in fits} == {"cpu"}

    def test_table_1_summarises_the_predictions(self, done):
        folder = done[0] / "workflow" / DATA
        table = pd.read_csv(folder / "table1.csv")
        assert table.columns.tolist() == [*COLUMNS, "table_checksum"]
        assert table["variant"].tolist() == VARIANTS
        assert (table["n_folds"] == 3).all()
        assert table["accuracy_mean"].between(0, 100).all()
        assert table["paper_accuracy_mean"].isna().all()
        baselines = [
            "tempo_1nn",
            "most_probable_class",
            "modulation_scale_spectrum",
            "modulation_scale_spectrum",
        ]
        assert table["baseline"].fillna("").tolist() == baselines
        # Two of the four test tracks share a class, so the other classes are more frequent in
        # training: the most probable class is correct for one track.
        assert table["baseline_accuracy"].tolist()[:2] == [100, 25]
        for row in table.itertuples():
            accuracies = [
                100 * (p["label"] == p["predicted"]).mean()
                for p in map(pd.read_csv, (folder / "predictions" / row.variant).iterdir())
            ]
            assert row.accuracy_mean == pytest.approx(np.mean(accuracies))
            assert row.accuracy_std == pytest.approx(np.std(accuracies))
        page = (folder / "table1.md").read_text()
        assert all(variant in page for variant in VARIANTS)
        assert "synthetic" not in page
        assert r"\begin{tabular}" in (folder / "table1.tex").read_text()

    def test_each_track_is_tested_once_with_a_vote_per_segment(self, done):
        folder = done[0] / "workflow" / DATA
        listed = pd.read_csv(folder / "tracks.csv")
        columns = ["track_id", "label", "path", "digest", "bpm", "table_checksum"]
        assert listed.columns.tolist() == columns
        for variant in VARIANTS:
            files = sorted((folder / "predictions" / variant).iterdir())
            assert [path.name for path in files] == ["fold-0.csv", "fold-1.csv", "fold-2.csv"]
            table = pd.concat(map(pd.read_csv, files))
            assert sorted(table["track_id"]) == sorted(listed["track_id"])
            votes = table[["votes_fast", "votes_middle", "votes_slow"]].sum(axis=1)
            # 8 s are 346 frames: four segments of 80.
            assert (votes == 4).all() and (table["n_segments"] == 4).all()

    def test_a_model_has_weights_a_history_and_a_record(self, done):
        folder = done[0] / "workflow" / DATA / "models" / "time_1x60" / "fold-1"
        shapes = {name: array.shape for name, array in np.load(folder / "weights.npz").items()}
        assert shapes == {
            "time.weight": (32, 1, 60),
            "time.bias": (32,),
            "output.weight": (3, 32 * 21),
            "output.bias": (3,),
        }
        history = pd.read_csv(folder / "history.csv")
        assert history["epoch"].tolist() == [1, 2]
        record = json.loads((folder / "fit.json").read_text())
        best = history["validation_accuracy"].idxmax()
        assert record["best_epoch"] == best + 1
        size = record["training"]["batch_size"]
        correct = history["train_accuracy"] * (record["n_train_segments"] // size * size)
        assert np.allclose(correct, correct.round(), atol=1e-6), "of the segments of whole batches"
        assert record["classes"] == ["fast", "middle", "slow"]
        assert record["versions"]["mxnet"] == "1.9.1"

    def test_timefrequency_init_starts_from_the_models_of_its_own_fold(self, done):
        models = done[0] / "workflow" / DATA / "models"

        def arrays(variant, fold):
            return np.load(models / variant / f"fold-{fold}" / "weights.npz")

        for fold in range(3):
            trained = arrays("timefrequency_init", fold)
            for trunk, donor in {"time": "time_1x60", "frequency": "frequency_32x1"}.items():
                for name in (f"{trunk}.weight", f"{trunk}.bias"):
                    assert np.allclose(trained[name], arrays(donor, fold)[name], atol=1e-8)
                    other = arrays(donor, (fold + 1) % 3)[name]
                    assert not np.allclose(trained[name], other, atol=1e-3)
            assert not np.allclose(
                trained["hidden.weight"], arrays("timefrequency", fold)["hidden.weight"], atol=1e-3
            )

    def test_without_an_intervention_the_predictions_are_those_of_the_test(self, done):
        folder = done[0] / "workflow" / DATA
        interventions = pd.read_csv(folder / "interventions.csv")
        table = pd.read_csv(folder / "table1.csv").set_index("variant")
        assert len(interventions) == len(VARIANTS) * (8 + 13)
        for kind, amount in (("stretch", 1.0), ("shift", 0.0)):
            unchanged = (interventions["intervention"] == kind) & (
                interventions["amount"] == amount
            )
            rows = interventions[unchanged].set_index("variant")
            assert rows.index.tolist() == VARIANTS and (rows["changed_mean"] == 0).all()
            for column in ("accuracy_mean", "accuracy_std"):
                assert rows[column].to_numpy() == pytest.approx(table[column].to_numpy())

    def test_the_report_shows_each_variant_and_plays_one(self, done):
        folder = done[0] / "workflow" / DATA
        page = (folder / "report.html").read_text()
        for variant in VARIANTS:
            assert f'<h3 id="h-network-{variant}">' in page
            assert (folder / f"figures/curves-{variant}.svg").exists()
        svg, pdf = ({p.stem for p in folder.glob(f"figures/*.{s}")} for s in ("svg", "pdf"))
        assert svg == pdf
        sounds = pd.read_csv(folder / "sounds/sounds.csv")
        assert set(sounds["variant"]) == {"timefrequency_init"}, "the last row of Table I"
        assert all((folder / "sounds" / file).stat().st_size > 1000 for file in sounds["file"])
        assert page.count("<audio") >= len(sounds)

    def test_each_training_has_a_log_and_a_benchmark(self, done):
        folder = done[0] / "workflow" / DATA
        log = (folder / "logs/train/time_1x60/fold-0.log").read_text()
        assert re.search(r"^epoch 2: train loss \d", log, flags=re.MULTILINE)
        assert len(list(folder.glob("benchmarks/train/*/*.tsv"))) == 12


def test_the_report_of_snakemake_contains_tables_and_figures(again):
    again.run("--report", "all.html")
    page = (again.folder / "workflow/all.html").read_text()
    for content in ("table1.csv", "interventions.csv", "report.html", "differences.svg"):
        assert content in page, content
    assert "Table I of the paper, computed from this run" in page
