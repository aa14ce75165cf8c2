"""The report.

Needs: tracks.csv, folds.csv, skipped.csv, replicas.csv, and the tables, predictions, models and
interpretation of results/<name>/.
Makes: report.html, figures/.
"""


rule report:
    input:
        tracks=f"{D}/tracks.csv",
        listed=listed,
        folds=assigned_folds_of_all,
        skipped=f"{D}/skipped.csv",
        replicas=f"{D}/replicas.csv",
        baselines=of_each_seed("baselines.csv"),
        table=f"{D}/table1.csv",
        sweeps=SWEEPS,
        predictions=of_each_seed("predictions/{variant}/fold-{fold}.csv"),
        histories=of_each_seed("models/{variant}/fold-{fold}/history.csv"),
        # Made together with the histories: they rerun nothing by themselves.
        fits=of_each_seed("models/{variant}/fold-{fold}/fit.json"),
        counts=of_each_variant("interventions/{variant}.csv"),
        interventions=f"{D}/interventions.csv",
        filters=of_each_variant("filters/{variant}.csv"),
        spectra=of_each_variant("filters/{variant}.npz"),
        # The page shows filters of the first fold.
        weights=of_each_variant("models/{variant}/fold-0/weights.npz"),
        sounds=f"{D}/sounds",
    output:
        report=report(
            f"{D}/report.html", caption="captions/report.rst", category="Report"
        ),
        figures=report(
            directory(f"{D}/figures"),
            patterns=["{figure}.svg"],
            caption="captions/figure.rst",
            category="Figures",
        ),
    log:
        f"{D}/logs/report.log",
    benchmark:
        f"{D}/benchmarks/report.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=digests_of("steps/report", "audio/excerpts"),
        dataset=config["dataset"],
        name=config["name"],
        # Without paths, so that a moved audio folder reruns nothing, and without what is not set.
        configuration=lambda wildcards: json.dumps(
            {
                key: config[key]
                for key in config
                if key not in ("audio_dir", "ballroom")
                and (key not in ("seeds", "sweeps", "only") or config[key])
            }
        ),
        citation=lambda wildcards: json.dumps(citation.stated()),
    message:
        "Write the report"
    shell:
        """
        python -m workflow_scripts.steps.report \
            --tracks {input.tracks} \
            --folds {input.folds} \
            --skipped {input.skipped} \
            --replicas {input.replicas} \
            --baselines {input.baselines} \
            --table {input.table} \
            --sweeps {input.sweeps} \
            --predictions {input.predictions} \
            --histories {input.histories} \
            --fits {input.fits} \
            --counts {input.counts} \
            --interventions {input.interventions} \
            --filters {input.filters} \
            --spectra {input.spectra} \
            --weights {input.weights} \
            --sounds {input.sounds} \
            --dataset {params.dataset} \
            --name {params.name} \
            --configuration {params.configuration:q} \
            --citation {params.citation:q} \
            --report {output.report} \
            --figures {output.figures} \
            >{log} 2>&1
        """
