"""The report: a page of results and of what the networks learned, and its figures."""
