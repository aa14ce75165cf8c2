"""What a run shows in place of Snakemake's lines: its jobs, what is done, the time left."""
