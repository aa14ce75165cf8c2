"""How the networks of a table were trained: budgets of epochs, and whether they were enough."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from workflow_scripts.results.convergence import Convergence, convergence


@dataclass(frozen=True)
class Trainings:
    """All trainings behind a table.

    For each variant, in the order of the table, `fits` are the contents of its fit.json and
    `histories` the tables history.csv, in the same order.
    """

    fits: Mapping[str, Sequence[Mapping[str, Any]]]
    histories: Mapping[str, Sequence[pd.DataFrame]]

    @classmethod
    def of(
        cls, fits: Sequence[Mapping[str, Any]], histories: Sequence[pd.DataFrame]
    ) -> "Trainings":
        """The trainings with these fit.json and history.csv, in the same order."""
        fits_of: dict[str, list[Mapping[str, Any]]] = {}
        histories_of: dict[str, list[pd.DataFrame]] = {}
        for fit, history in zip(fits, histories, strict=True):
            fits_of.setdefault(fit["variant"], []).append(fit)
            histories_of.setdefault(fit["variant"], []).append(history)
        return cls(fits_of, histories_of)

    @property
    def variants(self) -> list[str]:
        """The names of the networks."""
        return list(self.fits)

    @cached_property
    def budgets(self) -> dict[str, int]:
        """The largest number of epochs that each network could be trained for."""
        return {v: max(f["training"]["max_epochs"] for f in own) for v, own in self.fits.items()}

    @cached_property
    def n_epochs(self) -> dict[str, list[int]]:
        """The number of epochs of each training."""
        return {v: [len(history) for history in own] for v, own in self.histories.items()}

    @cached_property
    def stopped(self) -> dict[str, list[bool]]:
        """Which trainings of each network ended because of `max_epochs`.

        All others ended because the learning rate fell below `min_learning_rate`.
        """
        return {
            v: [
                n >= fit["training"]["max_epochs"]
                for n, fit in zip(self.n_epochs[v], own, strict=True)
            ]
            for v, own in self.fits.items()
        }

    @cached_property
    def convergence(self) -> dict[str, Convergence]:
        """The convergence of each network."""
        return {
            v: convergence([h["validation_accuracy"].to_numpy() for h in own], self.stopped[v])
            for v, own in self.histories.items()
        }

    @property
    def unconverged(self) -> list[str]:
        """The networks of which the validation curves do not show that they have converged."""
        return [v for v, own in self.convergence.items() if not own.converged]

    def equal_budgets(self, first: str, second: str) -> bool:
        """Whether neither network could be trained longer than the other.

        A smaller number of epochs is no disadvantage if the learning rate ended each training
        before.
        """
        smaller, larger = sorted((first, second), key=self.budgets.__getitem__)
        return self.budgets[smaller] == self.budgets[larger] or not any(self.stopped[smaller])

    def comparable(self, first: str, second: str) -> bool:
        """Whether a difference between two networks is not one between their trainings."""
        both = self.convergence[first].converged and self.convergence[second].converged
        return both and self.equal_budgets(first, second)

    @property
    def budgets_differ(self) -> bool:
        """Whether any network had a smaller budget than another one, and needed it all."""
        most = max(self.budgets.values())
        return any(n < most and any(self.stopped[v]) for v, n in self.budgets.items())
