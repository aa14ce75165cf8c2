"""Colours of figures. Each has a contrast of at least 3:1 with both backgrounds of the page."""

import numpy as np

# After the palette of Okabe & Ito, safe for colour blindness; those that are too light for the
# light page are darker here.
BLUE, ORANGE, GREEN, RED, PURPLE = "#0072b2", "#b07a00", "#008a64", "#d55e00", "#b5588c"
GREY = "#7a7a7a"
COLOUR_OF = {
    "Black-box": PURPLE,
    "Time": BLUE,
    "Frequency": ORANGE,
    "Time-Frequency": GREEN,
    "Time-FrequencyInit": RED,
}
MARKER_OF = {
    "Black-box": "^",
    "Time": "o",
    "Frequency": "s",
    "Time-Frequency": "D",
    "Time-FrequencyInit": "v",
}
# A line style of matplotlib: a name, or an offset and lengths of dashes and gaps.
Dashes = str | tuple[int, tuple[int, ...]]
DASHES: tuple[Dashes, ...] = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)))
# Text in coloured cells, whose background does not depend on the page.
DARK_TEXT, LIGHT_TEXT = "#010101", "#ffffff"


def text_on(colours: np.ndarray) -> np.ndarray:
    """The colour of text on cells of these colours, (..., 3 or more) from 0 to 1; text (...).

    The one of higher contrast, by WCAG 2.2: black where the relative luminance is above 0.179.
    """
    rgb = np.asarray(colours)[..., :3]
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    luminance = linear @ np.array([0.2126, 0.7152, 0.0722])
    return np.where(luminance > 0.179, DARK_TEXT, LIGHT_TEXT)
