"""Decoding, mel front end, onsets, tempo, resynthesis. Only this package imports Essentia."""
