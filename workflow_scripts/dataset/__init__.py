"""Data without a framework: tracks, folds, features on disk, segments. NumPy and pandas only."""
