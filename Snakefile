"""From audio to Table I of Pons, Lidy & Serra (CBMI 2016); README.md says how to run it."""

from snakemake.utils import min_version

min_version("9.0")


configfile: "config.yaml"


include: "rules/common.smk"


rule all:
    default_target: True
    input:
        table=f"{D}/table1.csv",
        markdown=f"{D}/table1.md",
        latex=f"{D}/table1.tex",
        report=f"{D}/report.html",
        cards=of_each_variant("onnx/{variant}/MODEL_CARD.md"),
        # With more shards than before some are missing, and Snakemake looks at nothing else of a job
        # whose outputs it does not all know.
        contents=expand("{D}/contents/shard-{shard}.txt", D=D, shard=SHARDS),


include: "rules/dataset.smk"
include: "rules/features.smk"
include: "rules/folds.smk"
include: "rules/training.smk"
include: "rules/evaluation.smk"
include: "rules/interpretation.smk"
include: "rules/report.smk"
include: "rules/labelling.smk"


onstart:
    take_the_results()
    say_where_it_trains()


onerror:
    leave_the_results()


onsuccess:
    remove_leftovers(Path(D))
    leave_the_results()
    if os.path.exists(f"{D}/table1.md"):
        print(f"Table I lies in {D}/table1.md, .csv and .tex.", file=sys.stderr)
    if os.path.exists(f"{D}/report.html"):
        print(
            f"The report is {D}/report.html: open it in a browser.", file=sys.stderr
        )
