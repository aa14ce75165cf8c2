"""Show the running trainings of an experiment: epochs, losses, accuracy, learning rate, time left.

On a terminal the table is renewed until the run ends or Ctrl-C; otherwise it is printed once.
"""

import argparse
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from workflow_scripts.durations import duration
from workflow_scripts.errors import UserError
from workflow_scripts.networks.forecast import epochs_left, expected_share, seconds_an_epoch
from workflow_scripts.networks.training import Epoch, Settings
from workflow_scripts.paths import ResultPaths
from workflow_scripts.process import run
from workflow_scripts.run_display.running_trainings import Training, is_locked, started_trainings
from workflow_scripts.workflow import configuration
from workflow_scripts.workflow.training_settings import n_folds_of, seeds_of, training_of

SECONDS = 2.0
COLUMNS = (
    *("training", "epoch", "train loss", "validation loss", "accuracy", "learning rate"),
    *("s/epoch", "time left"),
)
# Of the table where no terminal says how wide it may be.
WIDTH = 120


@dataclass(frozen=True)
class Moment:
    """The running trainings of an experiment, and how many of how many have ended."""

    running: list[Training]
    ended: list[tuple[Training, int]]
    n_trainings: int


def main() -> None:
    """Print the table of results/NAME, again and again on a terminal."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, help="results/NAME")
    folder = parser.parse_args().results
    config = read_config(folder)
    moment = look(folder, config)
    if not moment.running and not is_in_use(folder):
        print(f"No training runs in {folder}; {total(moment)}.")
        return
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    if not console.is_terminal:
        console.print(table(moment, config))
        return
    try:
        with Live(table(moment, config), console=console, auto_refresh=False) as live:
            while moment.running or is_in_use(folder):
                time.sleep(SECONDS)
                moment = look(folder, config)
                live.update(table(moment, config), refresh=True)
    except KeyboardInterrupt:
        return
    print(f"The run in {folder} has ended; {total(moment)}.")


def read_config(folder: Path) -> dict[str, Any]:
    """The configuration of the last run in `folder`. Raises UserError if there was none."""
    file = ResultPaths(folder).config
    if not file.exists():
        raise UserError(
            f"{folder} has no results of a run; start one, or give another NAME of a folder in "
            "results"
        )
    return configuration.read_complete(file)


def is_in_use(folder: Path) -> bool:
    """Whether a run uses `folder`."""
    return is_locked(folder / ".run.lock")


def look(folder: Path, config: Mapping[str, Any]) -> Moment:
    """The state of the trainings now."""
    trainings = [t for t in started_trainings(folder) if t.variant in config["variants"]]
    running = [training for training in trainings if training.is_running()]
    ended = [
        (training, result.n_epochs)
        for training in trainings
        if training not in running and (result := training.result()) is not None
    ]
    n_trainings = len(config["variants"]) * n_folds_of(config) * len(seeds_of(config))
    return Moment(running, ended, n_trainings)


def total(moment: Moment) -> str:
    """How many trainings have ended."""
    return f"{len(moment.ended)} of {moment.n_trainings} trainings have ended"


def table(moment: Moment, config: Mapping[str, Any]) -> Table:
    """A row a running training."""
    shown = Table(*COLUMNS, box=None, padding=(0, 2, 0, 0), caption=f"{total(moment)}.")
    shown.caption_justify = "left"
    for column in shown.columns[1:]:
        column.justify = "right"
    shares = [
        (training.variant, n / settings_of(config, training.variant).max_epochs)
        for training, n in moment.ended
    ]
    for training in moment.running:
        share = expected_share(training.variant, shares)
        cells = row(training.epochs(), settings_of(config, training.variant), share)
        shown.add_row(*map(Text, [training.title, *cells]))
    return shown


def settings_of(config: Mapping[str, Any], variant: str) -> Settings:
    """The settings of a variant's training."""
    return Settings(**training_of(config, variant))


def row(epochs: list[Epoch], settings: Settings, share: float) -> list[str]:
    """The cells of a training after its name; `share` of the maximum is its expected length."""
    if not epochs:
        return ["starts", *[""] * (len(COLUMNS) - 2)]
    last, seconds = epochs[-1], seconds_an_epoch(epochs)
    return [
        f"{last.epoch} of {settings.max_epochs}",
        f"{last.train_loss:.4f}",
        f"{last.validation_loss:.4f}",
        f"{100 * last.validation_accuracy:.1f} %",
        f"{last.learning_rate:.3g}",
        f"{seconds:.3g}",
        duration(seconds * epochs_left(epochs, settings, share)),
    ]


if __name__ == "__main__":
    run(main)
