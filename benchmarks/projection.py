"""How long the whole of Table I takes on a GPU: 12 networks x 10 folds x 2000 epochs."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.table1 import EPOCHS, FOLDS

WAYS = ("alone", "shared", "side by side")


@dataclass(frozen=True)
class Epochs:
    """What was measured of a network.

    `alone` are the seconds of an epoch of one fold trained alone, `side_by_side` those of FOLDS
    folds trained together. `speedup` is how many times as many steps a second processes in parallel
    take in total as one process.
    """

    network: str
    alone: float
    speedup: float
    side_by_side: float

    def hours(self) -> tuple[float, float, float]:
        """Of all folds and epochs, in the order of WAYS."""
        alone = self.alone * FOLDS * EPOCHS / 3600
        return alone, alone / self.speedup, self.side_by_side * EPOCHS / 3600


def total(rows: Sequence[Epochs]) -> dict[str, float]:
    """The hours of all networks together, by way."""
    hours = zip(*(row.hours() for row in rows), strict=True)
    return dict(zip(WAYS, map(sum, hours), strict=True))


def lines(rows: Sequence[Epochs]) -> list[str]:
    """A table of the measurements and the hours, and how they were computed."""
    header = f"{'network':<20}{'s alone':>10}{'speed-up':>10}{'s of ' + str(FOLDS):>10}"
    table = [header + "".join(f"{'h ' + way:>16}" for way in WAYS)]
    for row in rows:
        measured = f"{row.alone:>10.3f}{row.speedup:>10.2f}{row.side_by_side:>10.3f}"
        table.append(f"{row.network:<20}{measured}" + _hours(row.hours()))
    table.append(f"{f'{len(rows) * FOLDS} trainings':<50}" + _hours(total(rows).values()))
    return [
        f"Hours of {len(rows)} networks x {FOLDS} folds x {EPOCHS} epochs of random segments of "
        "Ballroom's size",
        f"alone: s alone x {FOLDS} x {EPOCHS} / 3600; shared: that / speed-up; side by side: "
        f"s of {FOLDS} x {EPOCHS} / 3600",
        *table,
    ]


def _hours(hours: Sequence[float]) -> str:
    return "".join(f"{value:>16.2f}" for value in hours)
