"""The frame that all pages have: style, script, sticky contents, and the data behind figures."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

TEMPLATES = Path(__file__).with_name("templates")
# CSV above this number of bytes is not part of the page: the link leads to its file in figures/.
LARGEST_DATA = 30_000


def render(template: str, values: Mapping[str, Any], sections: Sequence[tuple[str, str]]) -> str:
    """One HTML document that needs no other file, but for large data of figures.

    `template` extends frame.html.j2. `values` are its variables, among them `figures`, `findings`
    and `data`: SVG, sentence and CSV text by the name of the figure. `sections` has the id and the
    title of each section that is shown; section <id> is rendered by <id>.html.j2.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"link_to_data": link_to_data, "breakable": breakable}
    return environment.get_template(template).render(
        values,
        style=_verbatim("style.css"),
        script=_verbatim("script.js"),
        sections=sections,
    )


def link_to_data(text: str, name: str) -> str:
    """The address of a figure's CSV: the data themselves, or the file if they are too large."""
    data = text.encode()
    if len(data) > LARGEST_DATA:
        return f"figures/{name}.csv"
    return f"data:text/csv;charset=utf-8;base64,{base64.b64encode(data).decode()}"


def breakable(name: str) -> Markup:
    """The name of a network, which a line may break after each underscore."""
    return Markup("_<wbr>").join(map(escape, name.split("_")))


def _verbatim(name: str) -> Markup:
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))
