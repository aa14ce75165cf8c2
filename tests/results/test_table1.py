"""Votes, accuracies, baselines, Table I."""

import re

import numpy as np
import pandas as pd
import pytest

from tests.conftest import network_of
from tests.deep_networks import DEEP
from tests.networks.test_architecture import TABLE_1
from workflow_scripts.dataset.split import Tracks
from workflow_scripts.results import baselines, predictions, table1
from workflow_scripts.results.votes import majority_vote
from workflow_scripts.steps.evaluate_baselines import Described, accuracies


class TestVotes:
    def test_the_majority_wins_over_the_highest_probability(self):
        probabilities = np.array([[0.6, 0.4, 0.0], [0.6, 0.4, 0.0], [0.0, 0.0, 1.0]])
        predicted, votes, mean = majority_vote(probabilities)
        assert predicted == 0
        assert list(votes) == [2, 0, 1]
        assert mean == pytest.approx([0.4, 0.8 / 3, 1 / 3])

    def test_a_tie_goes_to_the_higher_summed_probability(self):
        assert majority_vote(np.array([[0.9, 0.1, 0.0], [0.3, 0.7, 0.0]]))[0] == 0
        assert majority_vote(np.array([[0.6, 0.4, 0.0], [0.1, 0.9, 0.0]]))[0] == 1

    def test_only_tied_classes_are_compared_by_summed_probability(self):
        # Class 2 has the highest sum but no vote.
        probabilities = np.array([[0.51, 0.0, 0.49], [0.0, 0.52, 0.48]])
        assert majority_vote(probabilities)[0] == 1


class TestAccuracies:
    def test_accuracies_of_tracks_and_segments(self):
        probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4], [0.2, 0.8]])
        table = predictions.table(
            np.array(["t1", "t2"]),
            np.array(["a", "b"]),
            ["a", "b"],
            probabilities,
            np.array([0, 0, 0, 1, 1]),
        )
        assert list(table["predicted"]) == ["a", "b"]
        assert list(table["n_segments"]) == [3, 2]
        assert list(table["votes_a"]) == [2, 1]
        assert list(table["segments"]) == ["0 0 1", "0 1"]
        assert table["probability_b"].tolist() == pytest.approx([1 / 3, 0.6])
        assert predictions.track_accuracy(table) == 100
        assert predictions.segment_accuracy(table) == 100 * 3 / 5

    def test_class_accuracy_gives_each_class_the_same_share(self):
        labels = ["rock"] * 8 + ["folk"] * 2 + ["jazz"]
        table = pd.DataFrame({"label": labels, "predicted": ["rock"] * 9 + ["folk"] * 2})
        assert predictions.class_accuracy(table) == pytest.approx(100 * (1 + 0.5 + 0) / 3)
        assert predictions.track_accuracy(table) == pytest.approx(100 * 9 / 11)
        # The only class of a test set: classes that have no test track do not count.
        assert predictions.class_accuracy(table[:8]) == 100

    def test_classes_that_are_never_predicted(self):
        table = pd.DataFrame({"label": ["a", "b", "c"], "predicted": ["b", "b", "a"]})
        assert predictions.never_predicted(table, ["a", "b", "c", "01"]) == ["c", "01"]

    def test_names_are_read_as_text(self, tmp_path):
        table = predictions.table(
            np.array(["001"]), np.array(["NA"]), ["1", "NA"], np.array([[0.2, 0.8]]), np.array([0])
        )
        table.to_csv(tmp_path / "p.csv", index=False)
        back = predictions.read(tmp_path / "p.csv")
        assert back.loc[0, ["track_id", "label", "predicted"]].tolist() == ["001", "NA", "NA"]
        assert predictions.segment_accuracy(back) == 100


class TestBaselines:
    def test_most_probable_class(self):
        labels = np.array(["b", "a", "b", "a", "c"])
        assert list(baselines.most_probable_class(labels, 2)) == ["a", "a"]
        assert list(baselines.most_probable_class(np.append(labels, "b"), 1)) == ["b"]

    def test_all_tracks_at_the_nearest_tempo_vote(self):
        bpm = np.array([100.0, 100, 100, 104, 90])
        labels = np.array(["waltz", "tango", "tango", "waltz", "waltz"])
        # At 100, three tracks are nearest: two tangos outvote the first waltz. At 102, four tracks
        # are nearest, two of each: waltz is more frequent in training.
        predicted = baselines.tempo_1nn(bpm, labels, np.array([100.0, 102, 94, 999]))
        assert list(predicted) == ["tango", "waltz", "waltz", "waltz"]

    def test_a_tie_of_votes_and_frequencies_goes_to_the_first_by_name(self):
        predicted = baselines.tempo_1nn(
            np.array([80.0, 120]), np.array(["z", "a"]), np.array([100.0, 81])
        )
        assert list(predicted) == ["a", "z"]

    def test_are_fitted_to_all_tracks_except_the_test_tracks(self):
        labels = np.array(["a", "a", "a", "b", "b", "b"])
        fold = np.array([0, 1, 2, 0, 1, 2])
        ids = np.arange(6).astype(str)
        tracks = Tracks(ids, labels, ids, fold, ["a", "b"], np.array([0, 0, 0, 1, 1, 1]))
        bpm = np.array([60.0, 61, 62, 90, 91, 61])
        # The rhythm descriptor is the class.
        described = Described(bpm, bpm + 100, tracks.target[:, np.newaxis].astype(float))
        table = accuracies(tracks, described)
        assert table.columns.tolist() == ["baseline", "fold", "accuracy"]
        tempo = table[table["baseline"] == "tempo_1nn"].set_index("fold")["accuracy"]
        # Fold 1 tests 61 (class a; the nearest training tempo is 61 of class b) and 91 (class b).
        assert tempo.tolist() == [100, 50, 50]
        assert (table.loc[table["baseline"] == "most_probable_class", "accuracy"] == 50).all()
        estimated = table[table["baseline"] == "tempo_1nn_estimated"]
        assert estimated["accuracy"].tolist() == tempo.tolist()
        rhythm = table[table["baseline"] == "modulation_scale_spectrum"]
        assert rhythm["accuracy"].tolist() == [100, 100, 100]
        names = set(accuracies(tracks, Described(None, bpm, None))["baseline"])
        assert names == {"most_probable_class", "tempo_1nn_estimated"}

    def test_unknown_training_tempi_do_not_vote_and_unknown_test_tempi_get_all_votes(self):
        bpm = np.array([100.0, np.nan, np.nan])
        labels = np.array(["tango", "waltz", "waltz"])
        predicted = baselines.tempo_1nn(bpm, labels, np.array([200.0, np.nan]))
        assert list(predicted) == ["tango", "waltz"]
        all_unknown = np.full(3, np.nan)
        assert list(baselines.tempo_1nn(all_unknown, labels, bpm)) == ["waltz"] * 3

    def test_baseline_of_each_architecture_is_the_papers(self):
        computed = {"tempo_1nn", "tempo_1nn_estimated"}
        assert baselines.baseline_of("Frequency", computed) == "most_probable_class"
        assert baselines.baseline_of("Time", computed) == "tempo_1nn"
        assert baselines.baseline_of("Time", {"tempo_1nn_estimated"}) == "tempo_1nn_estimated"
        for architecture in ("Black-box", "Time-Frequency", "Time-FrequencyInit"):
            assert baselines.baseline_of(architecture, computed) == "modulation_scale_spectrum"


COLUMNS = (  # noqa: SIM905 - the header of the file
    "variant,architecture,input_frames,filter,pool,parameters,accuracy_mean,accuracy_std,"
    "segment_accuracy_mean,segment_accuracy_std,n_folds,paper_accuracy_mean,paper_accuracy_std,"
    "baseline,baseline_accuracy,paper_baseline_accuracy,class_accuracy_mean,class_accuracy_std,"
    "n_seeds,accuracy_std_seeds,n_bands"
).split(",")


class TestTable1:
    def fold(self, correct, wrong):
        rows = correct + wrong
        predicted = ["a"] * correct + ["b"] * wrong
        columns = {"label": ["a"] * rows, "predicted": predicted, "n_segments": [4] * rows}
        return pd.DataFrame(columns | {"votes_a": [3] * rows, "votes_b": [1] * rows})

    def row(self, variant, architecture, names=("tempo_1nn",)):
        baseline = pd.DataFrame(
            [(s, f, a) for s in names for f, a in enumerate((40.0, 60.0))],
            columns=["baseline", "fold", "accuracy"],
        )
        folds = [self.fold(9, 1), self.fold(7, 3)]
        network = network_of(variant)
        return table1.row(variant, {"architecture": architecture}, network, folds, baseline)

    def test_columns_and_values_of_a_row(self):
        row = self.row("time_1x60", "Time")
        assert list(row) == COLUMNS
        assert (row["filter"], row["pool"]) == ("(1, 60)", "(40, 1)")
        assert (row["parameters"], row["input_frames"], row["n_folds"]) == (7336, 80, 2)
        assert row["accuracy_mean"] == pytest.approx(80)
        assert row["accuracy_std"] == pytest.approx(10), "standard deviation with ddof 0"
        assert row["segment_accuracy_mean"] == 75 and row["segment_accuracy_std"] == 0
        assert (row["baseline"], row["baseline_accuracy"]) == ("tempo_1nn", 50)
        assert row["class_accuracy_mean"] == pytest.approx(80)
        assert row["class_accuracy_std"] == pytest.approx(10)

    def test_shapes_of_many_layers_are_in_order(self):
        network = DEEP["four square convolutions"]
        baseline = pd.DataFrame({"baseline": [], "accuracy": []})
        row = table1.row("deep", {"architecture": "Time"}, network, [self.fold(9, 1)], baseline)
        assert row["filter"] == "(5, 5)/(5, 5)/(4, 4)/(3, 3)"
        assert row["pool"] == "(2, 2)/(1, 2)/(2, 3)"
        network = DEEP["trunks of other heights"]
        row = table1.row("deep", {"architecture": "Time"}, network, [self.fold(9, 1)], baseline)
        assert (row["filter"], row["pool"]) == ("(5, 5)-(40, 1)", "(6, 1)-(1, 9)")

    def test_a_row_of_two_seeds(self):
        baseline = pd.DataFrame({"baseline": ["tempo_1nn"] * 4, "accuracy": [40.0, 60, 50, 70]})
        folds = [self.fold(n, 10 - n) for n in (9, 7, 4, 8)]
        row = table1.row(
            "time_1x60", {"architecture": "Time"}, network_of("time_1x60"), folds, baseline, 2
        )
        assert (row["n_folds"], row["n_seeds"]) == (2, 2)
        assert row["accuracy_mean"] == pytest.approx(70)
        # Deviations 20, 0, -30, 10; the means of the seeds are 80 and 60.
        assert row["accuracy_std"] == pytest.approx((1400 / 4) ** 0.5)
        assert row["accuracy_std_seeds"] == pytest.approx(10)
        assert row["baseline_accuracy"] == 55

    def test_a_baseline_of_unknown_name_is_shown_by_its_name(self):
        row = self.row("time_1x60", "Time") | {"baseline": "of_mine"}
        shown = table1.for_people(pd.DataFrame([row]))
        assert shown["Baseline"].tolist() == ["50.00 of_mine"]

    def test_cells_of_a_missing_baseline_are_empty(self):
        row = self.row("timefrequency", "Time-Frequency")
        assert row["filter"] == "(1, 60)-(32, 1)"
        assert row["baseline"] == "" and np.isnan(row["baseline_accuracy"])

    def test_papers_columns_are_filled_for_variants_in_the_paper(self):
        rows = [self.row(variant, "Time") for variant in ("timefrequency_init", "time_1x60")]
        table = table1.with_paper(pd.DataFrame([*rows, rows[0] | {"variant": "mine"}]))
        assert table.columns.tolist() == COLUMNS
        assert table["paper_accuracy_mean"].tolist()[:2] == [87.68, 81.79]
        assert table["paper_accuracy_std"].tolist()[:2] == [4.44, 4.72]
        assert table["paper_baseline_accuracy"].tolist()[:2] == [93.12, 82.3]
        assert table.iloc[2][["paper_accuracy_mean", "paper_baseline_accuracy"]].isna().all()

    def test_papers_table_has_all_twelve_variants(self):
        assert pd.read_csv(table1.PAPER)["variant"].tolist() == list(TABLE_1)

    def test_markdown_and_latex_have_every_row(self):
        table = pd.DataFrame([self.row("time_1x60", "Time"), self.row("frequency_32x1", "Time")])
        shown = table1.for_people(table)
        assert "Paper" not in shown
        page = table1.markdown(shown, "Title", ["A note."])
        assert "80.00 ± 10.00" in page and "7 336" in page and page.endswith("A note.\n")
        assert len({line.count("|") for line in page.splitlines() if line.startswith("|")}) == 1
        latex = table1.latex(
            table1.for_people(table1.with_paper(table)), "my_run.2", ["R&B: 100 %."]
        )
        assert r"R\&B: 100 \%." in latex and r"frequency\_32x1" in latex
        assert latex.count(r"\\") == 3 and "±" not in latex

    def test_latex_has_a_short_caption_a_label_and_the_notes_below(self):
        shown = table1.for_people(pd.DataFrame([self.row("time_1x60", "Time")]))
        notes = ["First % note.", "Second {note}."]
        latex = table1.latex(shown, "my_run", notes)
        caption = re.search(r"\\caption\{(.*)\}\n  \\label\{tab:my_run\}\n", latex)[1]
        assert r"my\_run" in caption and len(caption) < 100, "a label needs no escapes"
        above, below = latex.split(r"\end{tabular}")
        assert r"First \% note." in below and r"Second \{note\}." in below and "note" not in above
        bare = re.sub(r"\\[\\{}]", "", latex)
        assert bare.count("{") == bare.count("}")
        opened = re.findall(r"\\begin\{(\w+)\}", latex)
        assert re.findall(r"\\end\{(\w+)\}", latex) == opened[::-1] == ["tabular", "table"]
        assert "usepackage" not in latex
