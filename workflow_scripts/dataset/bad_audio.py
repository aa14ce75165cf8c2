"""The reasons why the audio of a track cannot be used, and the error that lists them."""

import pandas as pd

from workflow_scripts.errors import UserError

UNREADABLE = "cannot be read: it is missing, a broken link, not a regular file, or not readable"
EMPTY = "is empty"
SILENT = "is silent throughout"
TRUNCATED = "is truncated"
# A choice of on_bad_audio: use truncated tracks as far as they go, skip other bad ones.
USE_TRUNCATED = "use_truncated"
CHOICES = ("fail", "skip", USE_TRUNCATED)


def check(tracks: pd.DataFrame, reasons: pd.Series, ways_out: str) -> None:
    """Raise UserError with the path of every track that has a reason, if any has.

    `tracks` has a column path. `reasons` has an entry for each bad track, indexed as `tracks`.
    `ways_out` is what the user can do (see `remedies`).
    """
    if not len(reasons):
        return
    lines = "".join(f"\n  {tracks['path'][row]} {reason}" for row, reason in reasons.items())
    raise UserError(f"{len(reasons)} of {len(tracks)} tracks cannot be used; {ways_out}:{lines}")
