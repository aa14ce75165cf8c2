"""The page of the report: fields with its contents, rendered by templates."""

from dataclasses import dataclass, field
from typing import Any

from workflow_scripts.report import frame
from workflow_scripts.results.comparison import LEVEL


@dataclass
class Page:
    """The values of the variables in the templates.

    A section whose field is empty is not shown. `answer` has the sentences below the figure
    "answer", which answer the paper's question. `findings` and `data` have, by name of the figure,
    a sentence that says what it shows and the text of a CSV file with its numbers; both may lack
    figures. `is_fixed`: the results are of a fixed split in place of folds.
    """

    name: str
    headline: str
    warnings: list[str]
    legend: str
    columns: list[dict[str, Any]]
    rows: list[dict[str, Any]]
    baselines: list[tuple[str, str]]
    pairs: list[dict[str, Any]]
    networks: list[dict[str, Any]]
    best: str
    costs: list[dict[str, Any]]
    provenance: str
    licence: str
    configuration: str
    facts: list[tuple[str, str]]
    bibtex: str
    methods: list[str]
    replicas: dict[str, Any] = field(default_factory=dict)
    temporal: list[str] = field(default_factory=list)
    spectral: list[tuple[str, str]] = field(default_factory=list)
    sweeps: list[dict[str, Any]] = field(default_factory=list)
    sounds: dict[str, Any] = field(default_factory=dict)
    answer: list[str] = field(default_factory=list)
    figures: dict[str, str] = field(default_factory=dict)
    findings: dict[str, str] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)
    players: dict[str, int] = field(default_factory=dict)
    sound_data: str = "[]"
    level: float = LEVEL
    is_fixed: bool = False

    def html(self) -> str:
        """The page as one HTML document that needs no other file."""
        return frame.render("page.html.j2", vars(self), self._sections())

    def _sections(self) -> list[tuple[str, str]]:
        """Id and title of each section that is shown; its template is <id>.html.j2."""
        sections = [
            ("table", "Table I", True),
            ("sweeps", "Sweeps", self.sweeps),
            ("differences", "Which networks differ", self.pairs),
            ("networks", "Each network", True),
            ("temporal", "What the temporal filters learned", self.temporal),
            ("spectral", "What the spectral filters learned", self.spectral),
            ("interventions", "Time stretch and pitch shift", "stretch" in self.figures),
            ("sounds", "Sounds of the filters", self.sounds),
            ("replicas", "Tracks of the same recording", self.replicas),
            ("costs", "Training time and memory", True),
            ("provenance", "How these results were made", True),
            ("cite", "Cite this", self.bibtex or self.methods),
        ]
        return [(id_, title) for id_, title, shown in sections if shown]
