"""Lines that report the progress of a download."""

import time

from tqdm import tqdm

LINE = "{desc}: {n_fmt}B of {total_fmt}B, {rate_fmt}, {remaining} left"
LINE_WITHOUT_TOTAL = "{desc}: {n_fmt}B, {rate_fmt}"


class Progress:
    """Prints a line on standard output every few seconds: bytes, rate, time left.

    The rate is that of the current answer: neither pauses nor bytes downloaded before count.
    """

    def __init__(self, name: str, seconds: float = 5) -> None:
        self._name = name
        self._seconds = seconds

    def begin(self, done: int, total: int | None) -> None:
        """Start an answer; `done` of `total` bytes are on disk (None: the server does not say)."""
        self._initial, self._total = done, total
        self._begun = self._printed = time.monotonic()

    def show(self, done: int) -> None:
        """Report the bytes on disk, if the last line is old enough."""
        now = time.monotonic()
        if now - self._printed < self._seconds:
            return
        self._printed = now
        line = tqdm.format_meter(
            n=done,
            total=self._total,
            elapsed=now - self._begun,
            prefix=self._name,
            unit="B",
            unit_scale=True,
            initial=self._initial,
            bar_format=LINE if self._total else LINE_WITHOUT_TOTAL,
        )
        self.say(line)

    def say(self, sentence: str) -> None:
        """Print a line at once, without buffering."""
        print(sentence, flush=True)
