"""The tracks in a user's tracks.csv."""

import io
import os
import unicodedata
import warnings
from pathlib import Path

import pandas as pd

from workflow_scripts.dataset.class_names import is_visible
from workflow_scripts.dataset.scan import existing_form
from workflow_scripts.dataset.track_tables import COMPUTED
from workflow_scripts.dataset.tracks import parse_tempo, track_ids
from workflow_scripts.dataset.untidy_names import shape, shown
from workflow_scripts.errors import UserError
from workflow_scripts.regular_files import open_regular


def track_list(csv: Path) -> pd.DataFrame:
    """The tracks in a user's tracks.csv, with the columns of `class_folders` and any others.

    The columns path and label are required. Paths are relative to the folder of the file. Raises
    UserError if the table is invalid.
    """
    tracks = _read_list(csv)
    for column in ("path", "label"):
        if column not in tracks:
            near = _near(column, tracks)
            raise UserError(
                f"{csv} has no column {column}; "
                + (f"rename its column {near}" if near else "it needs path and label, separated ")
                + ("" if near else "by commas")
            )
    for column in ("track_id", "bpm"):
        if column not in tracks and (near := _near(column, tracks)):
            print(f"note: the column {near} of {csv} is not used as {column}; rename it if it is")
    for column in (c for c in ("path", "label", "track_id") if c in tracks):
        if (empty := ~tracks[column].map(is_visible)).any():
            raise UserError(f"{csv} line {int(empty.idxmax()) + 2} has no {column}; fill it in")
    for column in COMPUTED:
        if column in tracks:
            raise UserError(f"{csv} has a column {column}, which the workflow computes; rename it")
    tracks["path"] = [existing_form(os.path.join(csv.parent, path)) for path in tracks["path"]]
    tracks["label"] = [unicodedata.normalize("NFC", label) for label in tracks["label"]]
    if "track_id" not in tracks:
        tracks["track_id"] = track_ids(tracks)
    if (twice := tracks["track_id"].duplicated()).any():
        raise UserError(
            f"{csv} has several tracks with track_id {tracks['track_id'][twice].iloc[0]}; make "
            "each track_id unique"
        )
    if "bpm" in tracks:
        tracks["bpm"] = [
            parse_tempo(bpm, f"{csv} line {i + 2}") for i, bpm in tracks["bpm"].items()
        ]
    first = ["track_id", "label", "path"]
    return tracks[first + [c for c in tracks if c not in first]]


def _near(column: str, tracks: pd.DataFrame) -> str | None:
    """A column whose name differs only by blanks, invisible characters or case, in quotes."""
    return next((shown(name) for name in tracks if shape(name) == shape(column)), None)


def _read_list(csv: Path) -> pd.DataFrame:
    """The table as text, without blank lines; its index is the line in the file minus two."""
    try:
        with open_regular(csv) as file:
            # Some files of /proc have nothing to read yet.
            content = file.read() or b""
    except OSError as failure:
        raise UserError(
            f"cannot read {csv}: {failure.strerror}; put the list of tracks there or remove it"
        ) from None
    # pandas would end a text at a NUL byte.
    if b"\0" in content:
        raise UserError(f"{csv} contains NUL bytes, so it may be UTF-16; save it as UTF-8")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table = pd.read_csv(
                io.BytesIO(content),
                dtype=str,
                keep_default_na=False,
                index_col=False,
                skip_blank_lines=False,
                encoding="utf-8-sig",
            )
            first = pd.read_csv(
                io.BytesIO(content), header=None, nrows=1, dtype=str, encoding="utf-8-sig"
            ).iloc[0]
    except pd.errors.EmptyDataError:
        raise UserError(f"{csv} is empty; it needs the columns path and label") from None
    except pd.errors.ParserWarning:
        raise UserError(
            f"{csv} has a row with more fields than its first line; quote texts with commas"
        ) from None
    except (ValueError, pd.errors.ParserError) as failure:
        reason = " ".join(str(failure).split())
        raise UserError(
            f"{csv} is not a readable CSV table in UTF-8: {reason}; quote texts with commas"
        ) from None
    # pandas would add a number to a repeated name.
    if (twice := first[first.notna()].duplicated()).any():
        column = first[first.notna()][twice].iloc[0]
        raise UserError(f"{csv} has several columns {column}; rename all but one")
    table = table[(table != "").any(axis="columns")]
    if table.empty:
        raise UserError(f"{csv} lists no tracks; add a line with path and label for each track")
    return table
