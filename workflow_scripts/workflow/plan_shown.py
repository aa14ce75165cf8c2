"""Act when Snakemake shows the plan of a run: a dry run calls none of its hooks."""

import logging
from collections.abc import Callable

# The value of snakemake_interface_logger_plugins.common.LogEvent.RUN_INFO: the table of jobs.
PLAN = "run_info"


class OnPlan(logging.Handler):
    """Calls `act` when Snakemake logs the table of planned jobs; a dry run may log it twice."""

    def __init__(self, act: Callable[[], None]) -> None:
        super().__init__(logging.INFO)
        self._act = act

    def emit(self, record: logging.LogRecord) -> None:
        """Call `act` if the record is the table of planned jobs."""
        if getattr(record, "event", None) == PLAN:
            self._act()
