"""Figures as PDF: on white, with text as text, and the same bytes each time."""

import re
import zlib

import pytest

from tests.names import NAMES
from workflow_scripts.report import figures, pdf


def written(path, names):
    """The bytes of a figure of these names."""
    accuracies = {name: [10.0, 20.0] for name in names}
    pdf.write(path, figures.accuracies(accuracies, dict.fromkeys(names, 5.0)))
    return path.read_bytes()


def content(file):
    """The drawing commands of the page."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", file, flags=re.DOTALL)
    (page,) = (text for text in map(zlib.decompress, streams) if text.startswith(b"/DeviceRGB"))
    return page


@pytest.mark.parametrize("names", [["time_1x60", "frequency_32x1"], NAMES])
def test_the_same_figure_gives_the_same_bytes(tmp_path, recwarn, names):
    first = written(tmp_path / "a.pdf", names)
    assert first == written(tmp_path / "b.pdf", names)
    assert first.startswith(b"%PDF-") and first.endswith(b"%%EOF\n")
    assert b"CreationDate" not in first
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".pdf"] == []
    assert not recwarn, "characters without a glyph are no news"


def test_text_is_text_of_an_embedded_truetype_font(tmp_path):
    file = written(tmp_path / "a.pdf", ["time_1x60"])
    assert b"/FontFile2" in file and b"/ToUnicode" in file and b"/Type3" not in file
    texts = re.findall(rb"BT\n(.*?)ET\n", content(file), flags=re.DOTALL)
    # Codes of two bytes; between the groups are distances.
    groups = [re.findall(rb"\((.*?)\)", text) for text in texts]
    shown = [b"".join(codes).decode("utf-16-be") for codes in groups]
    assert "time_1x60" in shown


def test_the_background_is_white(tmp_path):
    commands = content(written(tmp_path / "a.pdf", ["time_1x60"]))
    before_first_fill, _, _ = commands.partition(b"\nf\n")
    *_, colour = re.findall(rb"([\d. ]+) (?:g|rg)\b", before_first_fill)
    assert set(colour.split()) == {b"1"}
