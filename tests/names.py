"""Names of classes that libraries could read as something else than text."""

# YAML, pandas and spreadsheets read these as numbers, dates, truth values or nothing.
LIKE_VALUES = ["01", "1.10", "true", "nan", "NA", "null", "None", "inf", "1e5", "2024-05-01"]
# Formulas, markup, formats and escapes.
LIKE_MARKUP = [
    "$_$",
    "A$AP $Rocky",
    "_x_",
    "a^b_{c}",
    "\\alpha \\textbf{x}",
    "%s {0} #1",
    "R&B <b>|&amp;",
    '"it\'s" `x`',
    "*a* [b](c) ~d~",
    "#000000",
    'id="q" url(#q)',
]
# Other scripts, written from right to left, and characters of two code units.
LIKE_LANGUAGES = ["שלום", "日本語", "Köln 🎵"]
NAMES = sorted([*LIKE_VALUES, *LIKE_MARKUP, *LIKE_LANGUAGES])
