"""What the jobs of a run took: time and memory, as Snakemake saw them."""

from pathlib import Path

import pandas as pd


def measured(results: Path) -> pd.DataFrame:
    """A row a job: rule, seconds, megabytes. Those of the data, such as unpack, come first."""
    rows = []
    shared = sorted(Path("data").glob("**/benchmarks/*.tsv"))
    own = sorted(results.glob("benchmarks/**/*.tsv"), key=lambda path: path.stat().st_mtime)
    for path in [*shared, *own]:
        # Named as in train/time_1x60/fold-0.tsv, list_tracks.tsv, synthesise-Jive.tsv.
        rule = path.relative_to(next(p for p in path.parents if p.name == "benchmarks")).parts[0]
        job = pd.read_csv(path, sep="\t").iloc[-1]
        megabytes = pd.to_numeric(job["max_rss"], errors="coerce")
        rows.append((rule.removesuffix(".tsv").partition("-")[0], job["s"], megabytes))
    return pd.DataFrame(rows, columns=["rule", "seconds", "megabytes"])
