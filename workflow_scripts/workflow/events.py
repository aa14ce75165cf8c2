"""Act at events of a run for which Snakemake has no hook."""

import logging
from collections.abc import Callable

# Values of snakemake_interface_logger_plugins.common.LogEvent. A run or a dry run starts, not a
# summary or the like: WORKFLOW_STARTED; the table of planned jobs, which a dry run, without any
# hook, may log twice: RUN_INFO; jobs that start: JOB_STARTED.
RUN = "workflow_started"
PLAN = "run_info"
JOBS = "job_started"


class OnEvent(logging.Handler):
    """Calls `act` when Snakemake logs `event`: RUN, PLAN or JOBS."""

    def __init__(self, event: str, act: Callable[[], None]) -> None:
        super().__init__(logging.INFO)
        self._event, self._act = event, act

    def emit(self, record: logging.LogRecord) -> None:
        """Call `act` if the record is of the event."""
        if getattr(record, "event", None) == self._event:
            self._act()
