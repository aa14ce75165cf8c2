"""Audio and the list of tracks.

Needs: nothing (demo), an internet connection (ballroom) or the user's folder of audio (folder).
Makes: data/<dataset>/ and, in results/<name>/, tracks.csv and contents/shard-<i>.txt.
"""


# On a cluster these run where Snakemake runs: its nodes often have no internet access, and the demo
# takes seconds on one core.
localrules:
    download,
    synthesise,


# Its code is not a parameter: an archive with the right MD5 sum is never downloaded again.
rule download:
    output:
        archive="data/ballroom/{archive}.tar.gz",
    log:
        "data/ballroom/logs/download-{archive}.log",
    benchmark:
        "data/ballroom/benchmarks/download-{archive}.tsv"
    wildcard_constraints:
        archive="audio|tempi",
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
        runtime=growing(240),
    params:
        # Takes `output`, so that Snakemake does not compare it: a new mirror reruns nothing.
        urls=lambda wildcards, output: config["ballroom"][f"{wildcards.archive}_urls"],
        md5=lambda wildcards: config["ballroom"][f"{wildcards.archive}_md5"],
    message:
        "Download {output.archive}"
    shell:
        """
        : >{log}
        python -m workflow_scripts.steps.download \
            --urls {params.urls:q} \
            --md5 {params.md5} \
            --archive {output.archive} \
            2>>{log} | tee -ai {log}
        """


rule unpack:
    input:
        audio=config["ballroom"]["archive"] or "data/ballroom/audio.tar.gz",
        tempi=config["ballroom"]["tempi_archive"] or "data/ballroom/tempi.tar.gz",
    output:
        audio=directory("data/ballroom/BallroomData"),
        tempi=directory("data/ballroom/BallroomAnnotations"),
    log:
        "data/ballroom/logs/unpack.log",
    benchmark:
        "data/ballroom/benchmarks/unpack.tsv"
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
        runtime=growing(30),
    params:
        code=digests_of("steps/unpack"),
        md5=[config["ballroom"]["audio_md5"], config["ballroom"]["tempi_md5"]],
    message:
        "Unpack Ballroom"
    shell:
        """
        : >{log}
        python -m workflow_scripts.steps.unpack \
            --archives {input.audio:q} {input.tempi:q} \
            --md5 {params.md5} \
            --folders {output.audio} {output.tempi} \
            2>>{log} | tee -ai {log}
        """


rule synthesise:
    output:
        audio=expand("data/demo/{{dance}}/{{dance}}-{number}.wav", number=DEMO_TRACKS),
        tempi=expand("data/demo/{{dance}}/{{dance}}-{number}.bpm", number=DEMO_TRACKS),
    log:
        "data/logs/synthesise-{dance}.log",
    benchmark:
        "data/benchmarks/synthesise-{dance}.tsv"
    wildcard_constraints:
        dance="|".join(DANCES),
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(500),
        runtime=growing(10),
    params:
        code=digests_of("steps/synthesise"),
    message:
        "Synthesise the demo tracks of {wildcards.dance}"
    shell:
        """
        python -m workflow_scripts.steps.synthesise \
            --dance {wildcards.dance} \
            --folder data/demo/{wildcards.dance} \
            >{log} 2>&1
        """


checkpoint list_tracks:
    input:
        audio=audio_to_make,
    output:
        tracks=f"{D}/tracks.csv",
        contents=expand("{D}/contents/shard-{shard}.txt", D=D, shard=SHARDS),
    log:
        f"{D}/logs/list_tracks.log",
    benchmark:
        f"{D}/benchmarks/list_tracks.tsv"
    # It reads all audio files.
    localrule: OF_KNOWN_SIZE
    conda:
        "../envs/cpu.yaml"
    threads: 2
    resources:
        mem_mb=growing(1500),
        runtime=growing(60),
    params:
        code=digests_of("steps/list_tracks"),
        # A function, because Snakemake reads braces in text as wildcards.
        audio=lambda wildcards: AUDIO_FOLDERS[config["dataset"]],
        state=lambda wildcards: fingerprint(config["audio_dir"]),
        source=(
            "--ballroom --tempi data/ballroom/BallroomAnnotations/ballroomGroundTruth"
            if config["dataset"] == "ballroom"
            else ""
        ),
        on_bad_audio=config["on_bad_audio"],
        folds=len(FOLDS),
        # With fewer shards, all outputs exist, so Snakemake would not rerun.
        shards=config["shards"],
        group_by=lambda wildcards: config["group_by"] or "",
        split_by=lambda wildcards: config["split_by"] or "",
        # Of networks that cannot have any number of classes: usually none.
        limited=lambda wildcards: json.dumps(
            limited_classes(config["variants"], FrontEnd.from_config(config["front_end"]))
        ),
    message:
        "List the tracks of {params.audio}"
    shell:
        """
        : >{log}
        python -m workflow_scripts.steps.list_tracks \
            --audio={params.audio:q} \
            {params.source} \
            --on-bad-audio {params.on_bad_audio} \
            --n-folds {params.folds} \
            --group-by={params.group_by:q} \
            --split-by={params.split_by:q} \
            --limited-classes {params.limited:q} \
            --threads {threads} \
            --digests data/digests \
            --tracks {output.tracks} \
            --shards {output.contents} \
            2>>{log} | tee -ai {log}
        """
