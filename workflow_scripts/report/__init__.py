"""The report: one page that shows results and what the networks learned, and its figures."""
