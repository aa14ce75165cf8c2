"""The answer to the paper's question: do musically motivated filter shapes help, and which?"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workflow_scripts.audio.parameters import PAPERS, FrontEnd
from workflow_scripts.results import comparison

# Kinds of networks, by the shapes (m, n) of their filters.
TIME, FREQUENCY, BOTH, RECTANGLE, POINT = "time", "frequency", "several", "rectangle", "point"
MOTIVATED = (TIME, FREQUENCY, BOTH)
BASELINE, CHANCE = "baseline", "chance"


@dataclass(frozen=True)
class Answer:
    """The numbers behind the answer.

    `networks` has one row per variant: kind, name, architecture, input_frames, m_bands and n_frames
    (NaN of several trunks), accuracy_mean, half_width (of the 95 % interval of the mean over folds,
    in points; NaN of a fixed split), low and high (the ends of the interval), p_baseline (against
    the best baseline, adjusted for all networks; NaN without one or of a fixed split). `baselines`
    has name, accuracy_mean, half_width, low, high, the best first. `pairs` are those of
    `comparison.pairs`. Accuracies and `chance` are in %. `unfair` has the pairs of networks whose
    difference may come from their training, `swept` the networks of each sweep. `front_end` is that
    of all networks.
    """

    networks: pd.DataFrame
    baselines: pd.DataFrame
    pairs: pd.DataFrame
    chance: float
    level: float
    unfair: Collection[frozenset[str]] = ()
    swept: Collection[frozenset[str]] = ()
    front_end: FrontEnd = PAPERS

    @classmethod
    def of(
        cls,
        table: pd.DataFrame,
        accuracies: Mapping[str, Sequence[float]],
        baselines: pd.DataFrame,
        pairs: pd.DataFrame,
        *,
        n_classes: int,
        test_share: float | None,
        n_test: int = 0,
        level: float,
        unfair: Collection[frozenset[str]] = (),
        swept: Collection[frozenset[str]] = (),
        front_end: FrontEnd = PAPERS,
    ) -> "Answer":
        """The answer of table1.csv, the accuracies of each variant's folds, and baselines.csv.

        `baselines` has the folds in the order of `accuracies`. `unfair` has the pairs of variants,
        in any order, whose difference may come from their training; `swept` those of each sweep.
        `test_share` is n_test / n_train, see `comparison.corrected_t`, or None for a fixed split
        with `n_test` test tracks.
        """
        of_folds = {
            name: rows["accuracy"].to_numpy()
            for name, rows in baselines.groupby("baseline", sort=False)
        }
        systems = [
            {"name": name, "accuracy_mean": values.mean()}
            | comparison.interval(values, test_share, n_test)
            for name, values in of_folds.items()
        ]
        columns = ["name", "accuracy_mean", "half_width", "low", "high"]
        ranked = pd.DataFrame(systems, columns=columns).sort_values(
            "accuracy_mean", ascending=False, kind="stable", ignore_index=True
        )
        networks = pd.DataFrame(
            [
                _network(row, np.asarray(accuracies[row["variant"]], float), test_share, n_test)
                for row in table.to_dict("records")
            ]
        )
        networks["p_baseline"] = np.nan
        if len(ranked) and test_share is not None:
            best = of_folds[ranked.loc[0, "name"]]
            p = [
                comparison.corrected_t(np.asarray(accuracies[name]) - best, test_share)[0]
                for name in networks["name"]
            ]
            networks["p_baseline"] = comparison.holm(p)
        chance = 100 / n_classes
        return cls(networks, ranked, pairs, chance, level, unfair, swept, front_end)

    def of_kind(self, *kinds: str) -> pd.DataFrame:
        """The networks of these kinds, in the table's order."""
        return self.networks[self.networks["kind"].isin(kinds)]

    def data(self) -> pd.DataFrame:
        """The numbers of the figure, one row per network, baseline and chance."""
        systems = self.baselines.assign(kind=BASELINE)
        chance = pd.DataFrame([{"kind": CHANCE, "name": CHANCE, "accuracy_mean": self.chance}])
        table = pd.concat([self.networks, systems, chance], ignore_index=True)
        table.insert(6, "n_seconds", table["n_frames"] / self.front_end.frame_rate)
        table.insert(7, "share_of_bands", table["m_bands"] / self.front_end.n_bands)
        for column in ("input_frames", "m_bands", "n_frames"):
            table[column] = table[column].astype("Int64")
        return table[[*table.columns.drop(["low", "high"]), "low", "high"]]

    def with_rectangles(self) -> list[tuple[str, str]]:
        """Each network with motivated shapes and each black-box of the same input."""
        return [
            (own.name, other.name)
            for own in self.of_kind(*MOTIVATED).itertuples()
            for other in self.of_kind(RECTANGLE).itertuples()
            if own.input_frames == other.input_frames
        ]

    def verdict(self, first: str, second: str) -> int:
        """1 if `first` is significantly more accurate than `second`, -1 if less, otherwise 0."""
        for a, b, sign in ((first, second, 1), (second, first, -1)):
            pair = self.pairs[(self.pairs["first"] == a) & (self.pairs["second"] == b)]
            if len(pair):
                row = pair.iloc[0]
                return sign * int(np.sign(row["difference"])) if row["p_holm"] < self.level else 0
        return 0


def shapes_of(cell: str) -> list[tuple[int, int]]:
    """The (m, n) of the first layer of each trunk, from a cell such as "(1, 60)/(1, 5)-(32, 1)"."""
    first = [re.match(r"\((\d+), (\d+)\)", trunk) for trunk in cell.split("-")]
    return [(int(shape[1]), int(shape[2])) for shape in first if shape]


def kind_of(shapes: Sequence[tuple[int, int]]) -> str:
    """The kind of a network with filters of these shapes."""
    kinds = [
        POINT if m == n == 1 else TIME if m == 1 else FREQUENCY if n == 1 else RECTANGLE
        for m, n in shapes
    ]
    if len(kinds) == 1:
        return kinds[0]
    for kind in (RECTANGLE, POINT):
        if kind in kinds:
            return kind
    return BOTH


def _network(row: Mapping, accuracies: np.ndarray, test_share: float | None, n_test: int) -> dict:
    shapes = shapes_of(row["filter"])
    m, n = shapes[0] if len(shapes) == 1 else (np.nan, np.nan)
    return {
        "kind": kind_of(shapes),
        "name": row["variant"],
        "architecture": row["architecture"],
        "input_frames": row["input_frames"],
        "m_bands": m,
        "n_frames": n,
        "accuracy_mean": accuracies.mean(),
        **comparison.interval(accuracies, test_share, n_test),
    }
