"""Show a running training: a progress bar on a terminal, one line per epoch in a log."""

import sys
from types import TracebackType

from tqdm import tqdm

from workflow_scripts.networks.training import Epoch


class Display:
    """Shows epochs on standard error, after the first `n_done` of at most `max_epochs`.

    Lines in a log start with `prefix`, which tells apart trainings that run together.
    """

    def __init__(self, title: str, max_epochs: int, n_done: int, prefix: str = "") -> None:
        self.title = title
        self._prefix = prefix
        self._bar = None
        if sys.stderr.isatty():
            self._bar = tqdm(desc=title, total=max_epochs, initial=n_done, unit="epoch")

    def __enter__(self) -> "Display":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def show(self, epoch: Epoch) -> None:
        """Show a finished epoch."""
        if self._bar is None:
            line = f"epoch {epoch.epoch}: {_figures(epoch)}, {epoch.seconds:.2f} s"
            print(f"{self._prefix}{line}", file=sys.stderr)
            return
        self._bar.set_postfix_str(_figures(epoch), refresh=False)
        self._bar.update()


def _figures(epoch: Epoch) -> str:
    return (
        f"train loss {epoch.train_loss:.4f}, validation loss {epoch.validation_loss:.4f}, "
        f"validation accuracy {epoch.validation_accuracy:.4f}, "
        f"learning rate {epoch.learning_rate:g}"
    )
