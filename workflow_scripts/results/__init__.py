"""Metrics, baselines, comparisons of networks, and Table I, from predictions."""
