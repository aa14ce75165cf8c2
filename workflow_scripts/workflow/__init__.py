"""What surrounds Snakemake: configuration, code digests, run lock. No number comes from here."""
