"""From audio to Table I of Pons, Lidy & Serra (CBMI 2016). See README.md for how to run it."""

from snakemake.utils import min_version

min_version("9.20")


# Beside this file, wherever Snakemake is started.
configfile: f"{workflow.basedir}/config.yaml"


include: "rules/common.smk"
include: "rules/start.smk"


rule all:
    default_target: True
    input:
        table=f"{D}/table1.csv",
        markdown=f"{D}/table1.md",
        latex=f"{D}/table1.tex",
        report=f"{D}/report.html",
        shared=[SHARED.tracks, *SHARED.contents],
        cards=of_each_variant("onnx/{variant}/MODEL_CARD.md"),
        others=other_results(),
    message:
        "All results of {config[name]} are up to date"


include: "rules/dataset.smk"
include: "rules/features.smk"
include: "rules/folds.smk"
include: "rules/training_jobs.smk"
include: "rules/training.smk"
include: "rules/evaluation.smk"
include: "rules/interpretation.smk"
include: "rules/report.smk"
include: "rules/export.smk"
include: "rules/rows.smk"


onstart:
    start_run()


onerror:
    release_locks()


onsuccess:
    remove_leftovers(RESULTS.folder)
    share_features()
    release_locks()
    say_where_results_are()
