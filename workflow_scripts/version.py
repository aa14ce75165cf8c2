"""The version of the workflow, which CITATION.cff states."""

import re
from pathlib import Path


def version() -> str:
    """The version, such as "1.2.3"; "unknown" where CITATION.cff is missing."""
    path = Path(__file__).parents[1] / "CITATION.cff"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    stated = re.search(r"^version: (\S+)$", text, flags=re.MULTILINE)
    return stated[1] if stated else "unknown"
