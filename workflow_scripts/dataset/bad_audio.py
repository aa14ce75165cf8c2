"""Tracks whose audio cannot be used, and what becomes of them."""

import pandas as pd

from workflow_scripts.errors import UserError

UNREADABLE = "cannot be read: it is missing, a link to nothing, no regular file, or not permitted"
EMPTY = "is empty"
SILENT = "is silent throughout"
TRUNCATED = "is truncated"


def check(tracks: pd.DataFrame, reasons: pd.Series) -> None:
    """Raise UserError that names every track (track_id, path) for which there is a reason.

    `reasons` is indexed as the tracks that it concerns.
    """
    if not len(reasons):
        return
    named = "".join(f"\n  {tracks['path'][row]} {reason}" for row, reason in reasons.items())
    raise UserError(
        f"{len(reasons)} of {len(tracks)} tracks cannot be used; mend or remove them, or leave "
        f"them out with on_bad_audio: skip:{named}"
    )
