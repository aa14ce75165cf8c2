"""Data without a framework: tracks, folds, features on disk, segments. NumPy and pandas only."""

import csv
import sys

# Columns of tracks.csv that the workflow does not use may hold whole lyrics.
csv.field_size_limit(sys.maxsize)
