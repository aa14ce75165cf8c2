"""Around Snakemake: configuration, code digests, run lock. No result depends on this code."""
