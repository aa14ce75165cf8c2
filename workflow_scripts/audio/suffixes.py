"""Suffixes of audio files. A file with such a suffix that is not audio is a bad track."""

SUFFIXES = frozenset(
    [
        ".aac",
        ".ac3",
        ".aif",
        ".aifc",
        ".aiff",
        ".ape",
        ".au",
        ".caf",
        ".flac",
        ".m4a",
        ".mka",
        ".mp2",
        ".mp3",
        ".mpc",
        ".oga",
        ".ogg",
        ".opus",
        ".snd",
        ".tta",
        ".w64",
        ".wav",
        ".webm",
        ".wma",
        ".wv",
    ]
)
