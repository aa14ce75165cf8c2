"""The progress of labelling, on standard error."""

import sys
import time
from collections.abc import Iterable, Iterator

from workflow_scripts.labelling.label_tracks import Labelled

# Seconds between lines in a log, and between updates of the line in a terminal.
SECONDS_LOG, SECONDS_TERMINAL = 30, 0.2
# Go to the start of the line and clear it.
CLEARED = "\r\x1b[K"


def shown(labelled: Iterable[Labelled], n_tracks: int) -> Iterator[Labelled]:
    """Yield the same tracks; report their number, the rate and the time left."""
    terminal = sys.stderr.isatty() and not sys.stdout.isatty()
    before, after = (CLEARED, "") if terminal else ("", "\n")
    pause = SECONDS_TERMINAL if terminal else SECONDS_LOG
    started = reported = time.monotonic()
    n_bad = 0
    try:
        for n_done, track in enumerate(labelled, 1):
            n_bad += track.prediction is None
            now = time.monotonic()
            if now - reported > pause:
                reported = now
                rate = n_done / (now - started)
                _say(
                    f"{before}{n_done} of {n_tracks} tracks, {n_bad} not labelled, {rate:.1f} a "
                    f"second, {(n_tracks - n_done) / rate:.0f} s left{after}"
                )
            yield track
    finally:
        if terminal:
            _say(CLEARED)


def _say(text: str) -> None:
    print(text, end="", file=sys.stderr, flush=True)
