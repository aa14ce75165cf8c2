"""How far the labelling of many tracks is, told on standard error."""

import sys
import time
from collections.abc import Iterable, Iterator

from workflow_scripts.labelling.label_tracks import Labelled

# Between lines of a log, and between changes of a terminal's line.
SECONDS_LOG, SECONDS_TERMINAL = 30, 0.2
# Back to the line's start, and nothing on it.
CLEARED = "\r\x1b[K"


def shown(labelled: Iterable[Labelled], n_tracks: int) -> Iterator[Labelled]:
    """The same tracks; while they pass: how many, the rate, the time left."""
    terminal = sys.stderr.isatty() and not sys.stdout.isatty()
    before, after = (CLEARED, "") if terminal else ("", "\n")
    pause = SECONDS_TERMINAL if terminal else SECONDS_LOG
    begun = told = time.monotonic()
    n_bad = 0
    try:
        for n_done, track in enumerate(labelled, 1):
            n_bad += track.prediction is None
            now = time.monotonic()
            if now - told > pause:
                told = now
                rate = n_done / (now - begun)
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
