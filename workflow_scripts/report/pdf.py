"""Matplotlib figures as PDF files, for papers."""

import warnings
from pathlib import Path

import matplotlib
from fontTools import subset
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.figure import Figure

from workflow_scripts.atomic_files import atomic
from workflow_scripts.report import svg

# TrueType: the text stays text, to search and to edit. Journals refuse the default, Type 3.
TRUE_TYPE = 42
# A PDF has each glyph at its place, so a font in it needs no rules of which glyphs replace and move
# others. To find the rules for the glyphs of a figure took two thirds of the time of the font.
subset.Options._drop_tables_default += ["GDEF", "GPOS", "GSUB"]


def write(path: Path, figure: Figure) -> None:
    """Write the figure on white; the same figure gives the same bytes.

    Characters that Matplotlib's own font lacks are boxes.
    """
    with (
        matplotlib.rc_context({"pdf.fonttype": TRUE_TYPE}),
        warnings.catch_warnings(),
        atomic(path) as partial,
    ):
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        svg.lay_out(figure)
        background = figure.get_facecolor()
        figure.set_facecolor("white")
        # Unlike savefig, this draws once. It has no type hints.
        metadata = {"CreationDate": None}
        FigureCanvasPdf(figure).print_pdf(partial, metadata=metadata)  # type: ignore[no-untyped-call]
        figure.set_facecolor(background)
