"""Tracks, folds, features on disk and segments. No deep-learning framework is imported."""

import csv
import sys

# A user's tracks.csv may have columns with long texts, such as lyrics.
csv.field_size_limit(sys.maxsize)
