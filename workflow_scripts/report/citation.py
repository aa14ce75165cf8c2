"""What to cite: the paper and this software, as CITATION.cff states them, in BibTeX."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

# Characters with a meaning in LaTeX. Backslashes and braces have one in BibTeX.
_LATEX = {ord(c): f"\\{c}" for c in "&%$#_"} | {ord(c): " " for c in "\\{}"}


def stated() -> dict[str, Any]:
    """The content of CITATION.cff, all values as text; {} if there is no such file.

    Rules call this: what it returns is a parameter of the step report, which reads only its inputs.
    """
    path = Path(__file__).parents[2] / "CITATION.cff"
    if not path.is_file():
        return {}
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)


def bibtex(citation: Mapping[str, Any], commits: str = "") -> str:
    """BibTeX of the paper and of the software; `citation` is as `stated` returns it.

    `commits` is added to the version. Empty if `citation` is.
    """
    entries = []
    if paper := citation.get("preferred-citation"):
        fields = {
            "author": _authors(paper),
            "title": f"{{{_text(paper['title'])}}}",
            "booktitle": _text(paper["collection-title"]),
            "year": paper["year"],
        }
        entries.append(_entry("inproceedings", f"pons{paper['year']}", fields))
    if citation:
        year = citation["date-released"][:4]
        version = ", ".join(filter(None, [f"version {citation['version']}", commits]))
        fields = {
            "author": _authors(citation),
            "title": f"{{{_text(citation['title'])}}}",
            "note": _text(f"Software, {version}"),
            "year": year,
        }
        entries.append(_entry("misc", f"workflow{year}", fields))
    return "\n\n".join(entries)


def _authors(work: Mapping[str, Any]) -> str:
    return " and ".join(
        # The braces keep the name of a group in one piece.
        f"{_text(a['family-names'])}, {_text(a['given-names'])}"
        if "family-names" in a
        else f"{{{_text(a['name'])}}}"
        for a in work["authors"]
    )


def _text(text: str) -> str:
    return text.translate(_LATEX)


def _entry(kind: str, key: str, fields: Mapping[str, str]) -> str:
    lines = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items())
    return f"@{kind}{{{key},\n{lines}}}"
