"""Tests of differences between runs, against SciPy and values computed by hand."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from workflow_scripts.dataset.split import Tracks
from workflow_scripts.results import comparison, run_comparison, run_relation
from workflow_scripts.results.run_comparison import ALL_NETWORKS
from workflow_scripts.results.run_relation import NONE, PAIRED, UNPAIRED
from workflow_scripts.results.runs import Repeat, Run

N_TRACKS, N_FOLDS = 60, 5


def tracks_of(folds, digests=None, labels=None):
    n = len(folds)
    table = pd.DataFrame({"track_id": [f"t{i}" for i in range(n)]})
    table["label"] = labels or ["a", "b"] * (n // 2)
    table["digest"] = digests or [f"d{i:03}" for i in range(n)]
    return Tracks.of(table, np.asarray(folds))


def run(name, correct, tracks=None, seed=1, **settings):
    """A run of one seed; `correct` has a mask of the tracks by variant."""
    if tracks is None:
        tracks = tracks_of(np.arange(N_TRACKS) % N_FOLDS)
    config = {"folds": tracks.n_folds, "seed": seed, "variants": dict.fromkeys(correct)} | settings
    return Run(name, config, [Repeat(seed, tracks, correct, {}, {})])


def masks(seed, *variants, rate=0.6):
    rng = np.random.default_rng(seed)
    return {variant: rng.random(N_TRACKS) < rate for variant in variants}


def compare(*runs):
    same = {v: [v in r.variants for r in runs] for run_ in runs for v in run_.variants}
    return run_comparison.compare(runs, same).set_index(["variant", "run"])


class TestSameFolds:
    first, second = run("a", masks(1, "x", "y")), run("b", masks(2, "x", "y", rate=0.8))

    def accuracies(self, run_, variant):
        """Computed track by track."""
        (repeat,) = run_.repeats
        hits = [[] for _ in range(N_FOLDS)]
        for fold, hit in zip(repeat.tracks.fold, repeat.correct[variant], strict=True):
            hits[fold].append(hit)
        return np.array([100 * sum(own) / len(own) for own in hits])

    def test_means_and_standard_deviations_are_over_folds(self):
        row = compare(self.first, self.second).loc[("x", "b")]
        values = self.accuracies(self.second, "x")
        assert row["accuracy_mean"] == pytest.approx(values.mean())
        assert row["accuracy_std"] == pytest.approx(values.std())
        assert row["n_results"] == N_FOLDS

    def test_without_shared_training_tracks_the_test_is_the_paired_t_test(self, monkeypatch):
        monkeypatch.setattr(Run, "test_share", 0)
        row = compare(self.first, self.second).loc[("x", "b")]
        pair = self.accuracies(self.second, "x"), self.accuracies(self.first, "x")
        expected = stats.ttest_rel(*pair)
        assert row["test"] == PAIRED
        assert row["p"] == pytest.approx(expected.pvalue)
        assert row["difference"] == pytest.approx(np.mean(pair[0] - pair[1]))
        low = row["difference"] - row["half_width"]
        assert low == pytest.approx(expected.confidence_interval(0.95).low)

    def test_the_variance_is_corrected_for_shared_training_tracks(self):
        row = compare(self.first, self.second).loc[("y", "b")]
        d = self.accuracies(self.second, "y") - self.accuracies(self.first, "y")
        # Of 5 folds one is tested and three are trained on.
        error = np.sqrt((1 / 5 + 1 / 3) * d.var(ddof=1))
        assert row["p"] == pytest.approx(2 * stats.t.sf(abs(d.mean()) / error, 4))
        assert row["half_width"] == pytest.approx(2.7764 * error, rel=1e-4)

    def test_p_is_adjusted_for_all_networks_and_apart_for_their_mean(self):
        table = compare(self.first, self.second)
        p = table.loc[[("x", "b"), ("y", "b")], "p"].to_numpy(float)
        adjusted = table.loc[[("x", "b"), ("y", "b")], "p_holm"].to_numpy(float)
        low, high = sorted(p)
        assert sorted(adjusted) == pytest.approx([min(2 * low, 1), min(max(2 * low, high), 1)])
        overall = table.loc[(ALL_NETWORKS, "b")]
        assert overall["p_holm"] == overall["p"]

    def test_the_mean_of_all_networks_is_tested_fold_by_fold(self):
        row = compare(self.first, self.second).loc[(ALL_NETWORKS, "b")]
        d = np.mean(
            [self.accuracies(self.second, v) - self.accuracies(self.first, v) for v in "xy"], axis=0
        )
        assert row["difference"] == pytest.approx(d.mean())
        assert row["p"] == pytest.approx(comparison.corrected_t(d, 1 / 3)[0])

    def test_predictions_that_only_one_run_has_right_are_counted(self):
        row = compare(self.first, self.second).loc[("x", "b")]
        before, after = (r.repeats[0].correct["x"] for r in (self.first, self.second))
        assert row["only_run"] == sum(b and not a for a, b in zip(before, after, strict=True))
        assert row["only_first"] == sum(a and not b for a, b in zip(before, after, strict=True))

    def test_the_order_of_the_tracks_does_not_matter(self):
        """The same tracks, shuffled and renamed, are recognised by their audio."""
        (repeat,) = self.second.repeats
        order = np.random.default_rng(3).permutation(N_TRACKS)
        old = repeat.tracks
        tracks = tracks_of(old.fold[order], list(old.digest[order]), list(old.label[order]))
        correct = {v: mask[order] for v, mask in repeat.correct.items()}
        shuffled = compare(self.first, run("b", correct, tracks))
        pd.testing.assert_frame_equal(shuffled, compare(self.first, self.second))

    def test_a_network_that_only_one_run_has_is_not_compared(self):
        table = compare(self.first, run("b", masks(2, "x", "z")))
        assert ("y", "b") not in table.index and ("z", "a") not in table.index
        assert np.isnan(table.loc[("z", "b"), "difference"])
        assert ALL_NETWORKS not in table.index.get_level_values(0), "one network is no mean"

    def test_another_network_under_the_same_name_is_not_in_the_mean(self):
        runs = [run(name, masks(seed, "x", "y", "z")) for seed, name in enumerate("ab")]
        same = {"x": [True, False], "y": [True, True], "z": [True, True]}
        table = run_comparison.compare(runs, same).set_index(["variant", "run"])
        two = [np.mean(list(map(r.repeats[0].accuracies, "yz"))) for r in runs]
        assert table.loc[(ALL_NETWORKS, "b"), "difference"] == pytest.approx(two[1] - two[0])
        assert not table.loc[("x", "b"), "same_network"]
        assert table.loc[("x", "b"), "test"] == PAIRED

    def test_the_same_difference_in_all_folds_is_tested_by_its_signs(self):
        """There is no variance to estimate; five equal signs have the probability 2 / 2^5."""
        all_, none = np.ones(N_TRACKS, bool), np.zeros(N_TRACKS, bool)
        row = compare(run("a", {"x": none}), run("b", {"x": all_})).loc[("x", "b")]
        assert row["difference"] == 100 and np.isnan(row["half_width"])
        assert row["p"] == row["p_holm"] == stats.binomtest(5, 5).pvalue

    def test_equal_runs_have_p_1(self):
        row = compare(self.first, run("b", self.first.repeats[0].correct)).loc[("x", "b")]
        assert (row["difference"], row["half_width"], row["p"]) == (0, 0, 1)


class TestSeveralSeeds:
    def several(self, name, seeds, first):
        runs = [
            run(
                name, masks(first + seed, "x"), tracks_of((np.arange(60) + seed * 7) // 3 % 5), seed
            )
            for seed in seeds
        ]
        return Run(name, runs[0].config, [repeat for r in runs for repeat in r.repeats])

    def test_each_fold_of_each_seed_is_a_pair(self):
        a, b = self.several("a", [1, 2, 3], 10), self.several("b", [1, 2, 3], 20)
        row = compare(a, b).loc[("x", "b")]
        d = np.concatenate(
            [
                q.accuracies("x") - p.accuracies("x")
                for p, q in zip(a.repeats, b.repeats, strict=True)
            ]
        )
        assert row["n_results"] == len(d) == 15
        assert row["p"] == pytest.approx(comparison.corrected_t(d, 1 / 3)[0])
        hits = [(p.correct["x"], q.correct["x"]) for p, q in zip(a.repeats, b.repeats, strict=True)]
        assert row["only_run"] == sum(int((q & ~p).sum()) for p, q in hits)

    def test_other_seeds_are_not_paired(self):
        a, b = self.several("a", [1, 2], 10), self.several("b", [1, 3], 20)
        assert compare(a, b).loc[("x", "b"), "test"] == UNPAIRED


class TestOtherFolds:
    first = run("a", masks(1, "x"))

    def test_welch_is_the_test_without_shared_training_tracks(self):
        a, b = np.array([60.0, 70, 65, 80, 75]), np.array([81.0, 90, 70, 88, 79, 85, 91])
        p, half_width = run_comparison.corrected_welch(a, b, 0, 0)
        expected = stats.ttest_ind(b, a, equal_var=False)
        assert p == pytest.approx(expected.pvalue)
        low = b.mean() - a.mean() - half_width
        assert low == pytest.approx(expected.confidence_interval(0.95).low)

    def test_the_correction_matches_a_computation_by_hand(self):
        # Variances 1 and 4, of 3 folds each: (1/3 + 1) x 1 + (1/3 + 1) x 4 = 20/3; with
        # (20/3)^2 / ((4/3)^2 / 2 + (16/3)^2 / 2) = 50/17 degrees of freedom.
        p, _ = run_comparison.corrected_welch(np.arange(1.0, 4), np.arange(2.0, 7, 2), 1, 1)
        assert p == pytest.approx(2 * stats.t.sf(2 / np.sqrt(20 / 3), 50 / 17))

    def test_p_is_1_for_equal_constant_values(self):
        assert run_comparison.corrected_welch(np.full(2, 5.0), np.full(2, 5.0), 1, 1) == (1, 0)

    @pytest.mark.parametrize(
        ("folds", "settings", "why"),
        [
            (np.arange(60) % 6, {"seed": 1}, r"folds: 5 and 6\)"),
            (np.arange(60) // 2 % 5, {"seed": 2}, r"seed: 1 and 2\)"),
            (np.arange(60) // 2 % 5, {"seed": 1}, "with the same settings, so by another version"),
        ],
    )
    def test_it_says_how_folds_differ(self, folds, settings, why):
        other = run("b", masks(2, "x"), tracks_of(folds), **settings)
        relation = run_relation.relation(self.first, other)
        assert relation.kind == UNPAIRED
        assert re.search(
            rf"a and b have the same tracks in different folds \(.*{why}", relation.sentence
        )

    def test_they_are_compared_without_pairs(self):
        other = run("b", masks(2, "x", rate=0.8), tracks_of(np.arange(60) % 6))
        row = compare(self.first, other).loc[("x", "b")]
        a, b = (r.repeats[0].accuracies("x") for r in (self.first, other))
        p, half_width = run_comparison.corrected_welch(a, b, 1 / 3, 1 / 4)
        assert (row["test"], row["p"], row["half_width"]) == (UNPAIRED, p, half_width)
        assert np.isnan(row["only_run"])

    def test_constant_accuracies_without_pairs_are_not_tested(self):
        all_, none = np.ones(N_TRACKS, bool), np.zeros(N_TRACKS, bool)
        other = run("b", {"x": all_}, tracks_of(np.arange(60) % 6))
        row = compare(run("a", {"x": none}), other).loc[("x", "b")]
        assert row["difference"] == 100 and row[["half_width", "p", "p_holm"]].isna().all()

    def test_shuffled_folds_are_not_the_same_folds(self):
        """As many folds with as many tracks of each class, but two tracks have changed places."""
        folds = np.arange(N_TRACKS) % N_FOLDS
        folds[[0, 2]] = folds[[2, 0]]
        relation = run_relation.relation(self.first, run("b", masks(2, "x"), tracks_of(folds)))
        assert relation.kind == UNPAIRED


class TestOtherTracks:
    first = run("a", masks(1, "x"))

    def relation(self, n=N_TRACKS, **columns):
        tracks = tracks_of(np.arange(n) % N_FOLDS, **columns)
        return run_relation.relation(self.first, run("b", {"x": np.ones(n, bool)}, tracks))

    def test_a_few_more_tracks(self):
        relation = self.relation(64)
        assert relation.kind == UNPAIRED
        assert "a and b have 60 and 64 tracks, 60 of them the same" in relation.sentence

    def test_other_labels(self):
        relation = self.relation(labels=["b", "b", "a", "a"] + ["a", "b"] * 28)
        assert relation.kind == UNPAIRED
        assert "have the same tracks, but 2 of 60 with another label" in relation.sentence

    def test_converted_files(self):
        relation = self.relation(digests=[f"e{i}" for i in range(N_TRACKS)])
        assert relation.kind == UNPAIRED
        assert "have 60 tracks of the same names, but 0 of the same audio" in relation.sentence

    def test_other_data(self):
        tracks = tracks_of(np.arange(64) % N_FOLDS, [f"e{i}" for i in range(64)])
        tracks.track_id[:] = [f"u{i}" for i in range(64)]
        other = run("b", {"x": np.ones(64, bool)}, tracks)
        relation = run_relation.relation(self.first, other)
        assert relation.kind == NONE
        assert relation.sentence == (
            "a and b have different data: of their 60 and 64 tracks, 0 are the same. Their "
            "accuracies are not comparable."
        )
        row = compare(self.first, other).loc[("x", "b")]
        assert row["accuracy_mean"] == 100
        assert row["test"] == "" and row[["difference", "p", "p_holm", "only_run"]].isna().all()

    def test_other_classes(self):
        relation = self.relation(labels=["a", "c"] * 30)
        assert relation.kind == NONE
        assert "different classes (only a has b; only b has c)" in relation.sentence


class TestFixedSplit:
    def tracks(self, shift=0, is_fixed=True):
        """Of each three tracks, one is a test track."""
        table = tracks_of((np.arange(N_TRACKS) + shift) % 3)
        return dataclasses.replace(table, is_fixed=is_fixed)

    def runs(self, *tracks):
        return [
            run(name, masks(seed, "x", "y"), own)
            for seed, (name, own) in enumerate(zip("ab", tracks, strict=True))
        ]

    def test_the_same_split_is_compared_over_its_test_tracks(self):
        first, second = self.runs(self.tracks(), self.tracks())
        row = compare(first, second).loc[("x", "b")]
        a, b = (r.repeats[0].correct["x"][::3] for r in (first, second))
        assert row["test"] == PAIRED and row["n_results"] == 1 and np.isnan(row["accuracy_std"])
        assert row["difference"] == pytest.approx(100 * (b.mean() - a.mean()))
        only = int((b & ~a).sum()), int((a & ~b).sum())
        assert (row["only_run"], row["only_first"]) == only
        assert row["p"] == pytest.approx(stats.binomtest(only[0], sum(only)).pvalue)
        sentence = run_relation.relation(first, second).sentence
        assert sentence.endswith("same fixed split: each test track is compared with itself.")

    @pytest.mark.parametrize("other", [{"shift": 1}, {"is_fixed": False}])
    def test_another_split_or_folds_are_not_tested(self, other):
        """Three folds may have the same numbers as the parts of a split."""
        first, second = self.runs(self.tracks(), self.tracks(**other))
        row = compare(first, second).loc[("x", "b")]
        assert row["test"] == "" and np.isnan(row["p"]) and not np.isnan(row["difference"])
