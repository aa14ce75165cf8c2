"""The colours of the page: contrast of text and lines with what is behind them (WCAG 2.2)."""

import re

import pytest

from workflow_scripts.report.frame import TEMPLATES

CSS = (TEMPLATES / "style.css").read_text()
# For each scheme its colours by name, (r, g, b) from 0 to 1; dark overrides light.
LIGHT, DARK = (
    {
        name: [int(hex_[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        if hex_
        else [int(n) / 255 for n in numbers.split(",")]
        for name, hex_, numbers in re.findall(
            r"--(\w+): (?:#([0-9a-f]{6})|(\d+, \d+, \d+));", block
        )
    }
    for block in re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)[:2]
)


def contrast(first, second):
    """The ratio of luminances (WCAG 2.2, "contrast ratio")."""

    def luminance(colour):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
        return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    low, high = sorted(map(luminance, (first, second)))
    return (high + 0.05) / (low + 0.05)


def test_the_contrast_of_known_colours():
    assert contrast([0, 0, 0], [1, 1, 1]) == pytest.approx(21)
    assert contrast([0x76 / 255] * 3, [1, 1, 1]) == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("scheme", [LIGHT, LIGHT | DARK], ids=["light", "dark"])
class TestContrast:
    def test_text(self, scheme):
        for colour in ("ink", "quiet", "accent"):
            for behind in ("page", "panel"):
                assert contrast(scheme[colour], scheme[behind]) >= 4.5, (colour, behind)

    def test_lines_and_marks(self, scheme):
        for colour in ("line", "bar", "correct", "wrong", "other", "accent"):
            assert contrast(scheme[colour], scheme["page"]) >= 3, colour
        assert contrast(scheme["ink"], scheme["bar"]) >= 3, "the mean on its bar"

    def test_numbers_of_confusions_at_any_share(self, scheme):
        for percent in range(101):
            pairs = zip(scheme["shade"], scheme["panel"], strict=True)
            mixed = [(percent * a + (100 - percent) * b) / 100 for a, b in pairs]
            assert contrast(scheme["ink"], mixed) >= 4.5, percent


def test_lines_and_marks_are_not_transparent():
    assert "opacity" not in CSS
