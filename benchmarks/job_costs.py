"""Tabulate the time and memory of a run's jobs beside the resources that its rules declare.

    python benchmarks/job_costs.py results/NAME

Memory is max_rss in Snakemake's benchmark files: the largest total of a job's processes, sampled
twice a second and, after 15 s, every 30 s. It misses peaks between samples and most of a job of one
second. Shared pages count once for each process.
"""

import argparse
import re
import sys
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.weighing import ROOT
from workflow_scripts.workflow import configuration
from workflow_scripts.workflow.shared_features import shared_features

DECLARED = ("threads", "mem_mb", "runtime")
HEAD = ("Rule", "Jobs", "Seconds, median", "most", "max_rss, MB", *DECLARED)


def measured(results: Path) -> pd.DataFrame:
    """One row per job: rule, seconds, megabytes. Jobs that make the data come first."""
    rows = []
    made = [*Path("data").glob("benchmarks/*.tsv"), *Path("data/ballroom").glob("benchmarks/*.tsv")]
    own = [path for folder in folders(results) for path in folder.glob("benchmarks/**/*.tsv")]
    for path in [*sorted(made), *sorted(own, key=lambda path: path.stat().st_mtime)]:
        # Named as in train/time_1x60/fold-0.tsv, list_tracks.tsv, synthesise-Jive.tsv.
        rule = path.relative_to(next(p for p in path.parents if p.name == "benchmarks")).parts[0]
        job = pd.read_csv(path, sep="\t").iloc[-1]
        megabytes = pd.to_numeric(job["max_rss"], errors="coerce")
        rows.append((rule.removesuffix(".tsv").partition("-")[0], job["s"], megabytes))
    return pd.DataFrame(rows, columns=["rule", "seconds", "megabytes"])


def folders(results: Path) -> list[Path]:
    """The folders of the results and of the shared features that they use."""
    if not (results / "config.yaml").is_file():
        return [results]
    config = configuration.read(results / "config.yaml")
    shared = shared_features(config, config)
    return [results, shared.folder, shared.front_end]


def declared(folder: Path = ROOT / "rules") -> dict[str, dict[str, int]]:
    """Threads, megabytes and minutes of each rule's first attempt, read from its file."""
    text = "\n".join(path.read_text() for path in sorted(folder.glob("*.smk")))
    parts = re.split(r"^(?:rule|checkpoint) (\w+):$", text, flags=re.MULTILINE)
    return {
        name: {
            key: int(value)
            for key, value in re.findall(
                rf"^\s+({'|'.join(DECLARED)})(?:: |=)(?:growing\()?(\d+)\)?,?$", body, re.MULTILINE
            )
        }
        for name, body in zip(parts[1::2], parts[2::2], strict=True)
    }


def main() -> None:
    """Print the table as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path, help="folder of a finished run")
    options = parser.parse_args()
    if not (options.results / "benchmarks").is_dir():
        sys.exit(f"error: {options.results} has no benchmarks; give the folder of a finished run")
    jobs, rules = measured(options.results), declared()
    print(f"| {' | '.join(HEAD)} |")
    print(f"| --- |{' ---: |' * (len(HEAD) - 1)}")
    for rule, group in jobs.groupby("rule", sort=False):
        seconds, megabytes = group["seconds"], group["megabytes"].max()
        cells = [rule, len(group), f"{seconds.median():.1f}", f"{seconds.max():.1f}"]
        cells += ["" if pd.isna(megabytes) else f"{megabytes:.0f}"]
        cells += [rules[str(rule)][key] for key in DECLARED]
        print(f"| {' | '.join(map(str, cells))} |")


if __name__ == "__main__":
    main()
