"""Matplotlib's figures as SVG: files for a paper, and text that lies in a page."""

import io
import re
from pathlib import Path

import matplotlib

matplotlib.use("svg")

from matplotlib.figure import Figure

from workflow_scripts.atomic_files import atomic

# Ink, in figures; on the page it is whatever the page's text is.
INK = "#000000"


def text_of(figure: Figure, name: str) -> str:
    """The figure as an SVG document, the same bytes each time."""
    file = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return file.getvalue()


def write(path: Path, document: str) -> None:
    """Write a document from `text_of`."""
    with atomic(path) as partial:
        partial.write_text(document, encoding="utf-8")


def inline(document: str, name: str) -> str:
    """The document as an element of a page: its ink the page's, its ids no other figure's."""
    element = document[document.index("<svg") :]
    element = re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    element = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", element, count=1)
    element = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", element, count=1)
    element = element.replace(INK, "currentColor")
    element = re.sub(r'\bid="', f'id="{name}-', element)
    element = re.sub(r'(xlink:href="|url\()#', rf"\g<1>#{name}-", element)
    # The page says in words what a figure shows.
    return element.replace("<svg", '<svg aria-hidden="true" focusable="false"', 1)
