"""Matplotlib figures as SVG: files, and elements of a page."""

import io
import re
from pathlib import Path

import matplotlib

matplotlib.use("svg")

from matplotlib.figure import Figure

from workflow_scripts.atomic_files import atomic

# The colour of text and lines in figures; on the page it becomes the colour of the text.
INK = "#000000"


def text_of(figure: Figure, name: str) -> str:
    """The figure as an SVG document; the same figure gives the same bytes."""
    file = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return file.getvalue()


def write(path: Path, document: str) -> None:
    """Write a document of `text_of`."""
    with atomic(path) as partial:
        partial.write_text(document, encoding="utf-8")


def inline(document: str, name: str) -> str:
    """The document as an element of a page, in the colour of its text and with unique ids."""
    element = document[document.index("<svg") :]
    element = re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    element = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", element, count=1)
    element = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", element, count=1)
    element = element.replace(INK, "currentColor")
    element = re.sub(r'\bid="', f'id="{name}-', element)
    element = re.sub(r'(xlink:href="|url\()#', rf"\g<1>#{name}-", element)
    # The element around the figure has a label for screen readers.
    return element.replace("<svg", '<svg aria-hidden="true" focusable="false"', 1)
