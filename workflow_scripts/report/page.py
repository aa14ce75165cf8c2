"""The page of the report: fields with its contents, rendered by templates."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2

from workflow_scripts.results.comparison import LEVEL

TEMPLATES = Path(__file__).with_name("templates")


@dataclass
class Page:
    """The values of the variables in the templates.

    A section whose field is empty is not shown.
    """

    name: str
    headline: str
    warnings: list[str]
    legend: str
    columns: list[dict[str, Any]]
    rows: list[dict[str, Any]]
    baselines: list[tuple[str, str]]
    pairs: list[dict[str, Any]]
    differences_sentence: str
    networks: list[dict[str, Any]]
    best: str
    costs: list[dict[str, Any]]
    provenance: str
    licence: str
    configuration: str
    replicas: dict[str, Any] = field(default_factory=dict)
    stretch_sentence: str = ""
    shift_sentence: str = ""
    temporal: list[dict[str, str]] = field(default_factory=list)
    spectral: list[tuple[str, str]] = field(default_factory=list)
    sounds: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, str] = field(default_factory=dict)
    players: dict[str, int] = field(default_factory=dict)
    sound_data: str = "[]"
    level: float = LEVEL

    def html(self) -> str:
        """The page as one HTML document that needs no other file."""
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=jinja2.StrictUndefined,
        )
        return environment.get_template("page.html.j2").render(
            vars(self),
            style=jinja2.filters.do_mark_safe((TEMPLATES / "style.css").read_text()),
            script=jinja2.filters.do_mark_safe((TEMPLATES / "script.js").read_text()),
            sections=self._sections(),
        )

    def _sections(self) -> list[tuple[str, str]]:
        """Id and title of each section that is shown; its template is <id>.html.j2."""
        sections = [
            ("table", "Table I", True),
            ("differences", "Which networks differ", self.pairs),
            ("networks", "Each network", True),
            ("temporal", "What the temporal filters learned", self.temporal),
            ("spectral", "What the spectral filters learned", self.spectral),
            ("interventions", "Time stretch and pitch shift", self.stretch_sentence),
            ("sounds", "Sounds of the filters", self.sounds),
            ("replicas", "Tracks of the same recording", self.replicas),
            ("costs", "Training time and memory", True),
            ("provenance", "How these results were made", True),
        ]
        return [(id_, title) for id_, title, shown in sections if shown]
