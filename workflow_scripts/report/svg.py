"""Matplotlib figures as SVG: files, and elements of a page."""

import io
import re
import warnings
from pathlib import Path

import matplotlib
import matplotlib.style

matplotlib.use("svg")

from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from workflow_scripts.atomic_files import atomic
from workflow_scripts.errors import printable

# Each module that makes figures imports this one.
matplotlib.style.use(Path(__file__).with_name("figures.mplstyle"))

# The colour of text and lines in figures; on the page it becomes the colour of the text.
INK = "#000000"
LONGEST_NAME = 40
# The scale of figures on the page: the common ones, of 6.5 inches, are 52rem wide.
PIXELS_PER_POINT = 1.78
_PATH = re.compile(r'(<path[^>]*? d=")([^"]*)')
_NOT_XML = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u2028\u2029]")


def text_of(figure: Figure, name: str) -> str:
    """The figure as an SVG document; the same figure gives the same bytes."""
    file = io.StringIO()
    with (
        matplotlib.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}),
        warnings.catch_warnings(),
    ):
        # The browser draws the text with its own fonts.
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        lay_out(figure)
        # Unlike savefig, this draws once. It has no type hints.
        FigureCanvasSVG(figure).print_svg(file, metadata={"Date": None})  # type: ignore[no-untyped-call]
    return _PATH.sub(_short, file.getvalue())


def _short(path: re.Match[str]) -> str:
    """The path without decimals that nobody sees: half the size of a figure of many lines."""
    return path[1] + re.sub(r"(\.\d\d)\d+", r"\1", path[2])


def lay_out(figure: Figure) -> None:
    """Place the parts of a figure, once for all of its files."""
    if engine := figure.get_layout_engine():
        engine.execute(figure)
        figure.set_layout_engine("none")


def write(path: Path, document: str) -> None:
    """Write a document of `text_of`."""
    with atomic(path) as partial:
        partial.write_text(document, encoding="utf-8")


def text_of_name(name: str, longest: int = LONGEST_NAME) -> str:
    """A name of the data, of at most `longest` characters and without what XML cannot have."""
    text = _NOT_XML.sub(lambda match: printable(match[0]), name)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _at_most(tag: re.Match[str]) -> str:
    return f'{tag[1]} style="max-width: min(52rem, {PIXELS_PER_POINT * float(tag[2]):.0f}px)"'


def inline(document: str, name: str) -> str:
    """The document as an element of a page, in the colour of its text and with unique ids."""
    element = document[document.index("<svg") :]
    element = re.sub(r"<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    # A small figure is not enlarged to the width of the page.
    element = re.sub(r'(<svg[^>]*?) width="([\d.]+)pt"', _at_most, element, count=1)
    element = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", element, count=1)

    def own(tag: re.Match[str]) -> str:
        text = tag[0].replace(INK, "currentColor")
        text = re.sub(r'\bid="', f'id="{name}-', text)
        return re.sub(r'(xlink:href="|url\()#', rf"\g<1>#{name}-", text)

    # Only tags and style sheets: the texts between them may be names that look like these.
    element = re.sub(r"<style.*?</style>|<[^>]*>", own, element, flags=re.DOTALL)
    # The element around the figure has a label for screen readers.
    return element.replace("<svg", '<svg aria-hidden="true" focusable="false"', 1)
