"""The page that compares runs, and the same as Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from workflow_scripts.report import comparison_texts, frame, svg
from workflow_scripts.report.comparison_figure import differences as draw_differences
from workflow_scripts.report.comparison_figure import finding
from workflow_scripts.report.comparison_texts import Table
from workflow_scripts.results import provenance, run_settings
from workflow_scripts.results.comparison_notes import few_test_tracks
from workflow_scripts.results.markdown import escaped, table_lines
from workflow_scripts.results.run_relation import NONE, Relation
from workflow_scripts.results.run_settings import Difference
from workflow_scripts.results.runs import Run

FIGURE = "run-differences"


@dataclass
class ComparisonPage:
    """The values of the variables in the templates.

    `lead` says what differs, `warnings` what limits that. `relations` has a sentence for each run
    but the first on its tracks and folds. `trained` has the name of each run and how it was
    trained. `figures`, `findings` and `data` are as in `page.Page`.
    """

    runs: list[str]
    lead: list[str]
    warnings: list[str]
    relations: list[str]
    tables: list[Table]
    method: str
    configuration: list[Difference]
    software: list[Difference]
    trained: list[tuple[str, str]]
    figures: dict[str, str] = field(default_factory=dict)
    findings: dict[str, str] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """All runs by name."""
        *others, last = self.runs
        return f"{', '.join(others)} and {last}"

    def html(self) -> str:
        """The page as one HTML document that needs no other file."""
        sections = [
            ("run_accuracies", "Accuracies"),
            ("run_configuration", "Differences in the configuration"),
            ("run_software", "Software and machines"),
        ]
        return frame.render("comparison.html.j2", vars(self) | {"title": self.title}, sections)

    def markdown(self) -> str:
        """Sentences and tables, for a terminal."""
        parts = [f"# {escaped(self.title)}", *map(escaped, [*self.lead, *self.warnings])]
        for table in self.tables:
            parts += [f"## {escaped(table.title)}", "\n".join(table_lines(_texts(table)))]
        parts += map(escaped, [self.method, *self.relations])
        for title, rows in (
            ("Differences in the configuration", self.configuration),
            ("Software and machines", self.software),
        ):
            parts += [f"## {title}", self._listed(rows)]
        parts += [escaped(f"{run}: {sentence}") for run, sentence in self.trained]
        return "\n\n".join(parts) + "\n"

    def _listed(self, rows: Sequence[Difference]) -> str:
        if not rows:
            return "None."
        cells = [[row.key, *row.values] for row in rows]
        return "\n".join(table_lines(pd.DataFrame(cells, columns=["Key", *self.runs])))


def page(
    runs: Sequence[Run],
    table: pd.DataFrame,
    relations: Mapping[str, Relation],
) -> ComparisonPage:
    """The page of `runs`; `table` is that of `run_comparison.compare`.

    `relations` are those of each run but the first.
    """
    names = [run.name for run in runs]
    first, *others = names
    lead = [
        sentence
        for run in others
        for sentence in comparison_texts.headline(table, first, run, relations[run].sentence)
    ]
    warnings = run_settings.front_end_sentences(runs) + run_settings.network_sentences(runs)
    comparable = [run for run in runs[1:] if relations[run.name].kind != NONE]
    if comparable:
        compared = [runs[0], *comparable]
        warnings += run_settings.budget_sentences(compared)
        small = [few_test_tracks(run.repeats[0].tracks) for run in compared]
        warnings += filter(None, dict.fromkeys(small))
    made = ComparisonPage(
        runs=names,
        lead=lead,
        warnings=warnings,
        relations=[r.sentence for r in relations.values() if r.sentence not in lead],
        tables=comparison_texts.tables(table, names),
        method=comparison_texts.method(table, first, any(len(run.repeats) > 1 for run in runs)),
        configuration=run_settings.differences(runs),
        software=run_settings.software(runs),
        trained=[(run.name, provenance.sentence(run.fits)) for run in runs],
    )
    shown = table[table["difference"].notna()]
    if len(shown):
        figure = draw_differences(shown, first)
        made.figures[FIGURE] = svg.inline(svg.text_of(figure, FIGURE), FIGURE)
        made.findings[FIGURE] = finding(shown, first)
        made.data[FIGURE] = shown.to_csv(index=False)
    return made


def _texts(table: Table) -> pd.DataFrame:
    rows = [[row.head, *(cell.text for cell in row.cells)] for row in table.rows]
    return pd.DataFrame(rows, columns=[title for title, _ in table.columns])
