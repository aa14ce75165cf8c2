"""Write the row of Table I of one variant, as CSV and as Markdown."""

from collections.abc import Sequence

from workflow_scripts import checked_tables
from workflow_scripts.process import run
from workflow_scripts.results import table1
from workflow_scripts.steps import tabulate


def main(arguments: Sequence[str] | None = None) -> None:
    """Read predictions, baselines and records of the variant's trainings; write a table of a row.

    Its .md is beside it, with the notes that apply to this variant.
    """
    options = tabulate.parser(str(__doc__)).parse_args(arguments)
    made = tabulate.tabulated(options)
    checked_tables.write(options.table, made.table, table1.what(made.tracks))
    shown = table1.for_people(made.table)
    tabulate.write_markdown(options.table.with_suffix(".md"), shown, options.name, made.sentences)


if __name__ == "__main__":
    run(main)
