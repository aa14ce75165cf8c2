"""Audio and the list of tracks.

Needs: nothing (demo), an internet connection (ballroom) or the user's folder of audio (folder).
Makes: data/<dataset>/; tracks.csv and contents/shard-<i>.txt in data/features/<audio>-<shards>/,
which experiments share; tracks.csv and excluded.csv in results/<name>/.
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


localrules:
    select_tracks,


checkpoint list_tracks:
    input:
        audio=audio_to_make,
    output:
        tracks=f"{F}/tracks.csv",
        contents=[str(path) for path in SHARED.contents],
    log:
        f"{F}/logs/list_tracks.log",
    benchmark:
        f"{F}/benchmarks/list_tracks.tsv"
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
        # Only of the audio: all experiments on it have the same list. A function, because
        # Snakemake reads braces in text as wildcards.
        audio=lambda wildcards: AUDIO,
        state=lambda wildcards: fingerprint(config["audio_dir"] and AUDIO),
        source=(
            "--ballroom --tempi data/ballroom/BallroomAnnotations/ballroomGroundTruth"
            if config["dataset"] == "ballroom"
            else ""
        ),
    message:
        "List the tracks of {params.audio}"
    shell:
        """
        : >{log}
        python -m workflow_scripts.steps.list_tracks \
            --audio={params.audio:q} \
            {params.source} \
            --threads {threads} \
            --digests data/digests \
            --tracks {output.tracks} \
            --shards {output.contents} \
            2>>{log} | tee -ai {log}
        """


rule select_tracks:
    input:
        all_tracks=lambda wildcards: checkpoints.list_tracks.get().output.tracks,
    output:
        tracks=f"{D}/tracks.csv",
        excluded=f"{D}/excluded.csv",
    log:
        f"{D}/logs/select_tracks.log",
    benchmark:
        f"{D}/benchmarks/select_tracks.tsv"
    # Before the extraction: its checks may stop the run.
    priority: 1
    conda:
        "../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1500),
        runtime=growing(30),
    params:
        code=digests_of("steps/select_tracks"),
        excluded=EXCLUDED,
        # Of networks that cannot have any number of classes: usually none.
        limited=lambda wildcards: json.dumps(
            limited_classes(
                config["variants"], FrontEnd.from_config(config["front_end"])
            )
        ),
        # These take `output`, so that Snakemake does not compare them: they select no other tracks,
        # and assign_folds, which then runs again, checks the tracks by them too.
        exclude=lambda wildcards, output: json.dumps(config["exclude"]),
        audio=lambda wildcards, output: AUDIO,
        on_bad_audio=lambda wildcards, output: config["on_bad_audio"],
        folds=lambda wildcards, output: len(FOLDS),
        group_by=lambda wildcards, output: config["group_by"] or "",
        split_by=lambda wildcards, output: config["split_by"] or "",
    message:
        "Select the tracks of {config[name]}"
    shell:
        """
        : >{log}
        python -m workflow_scripts.steps.select_tracks \
            --all-tracks {input.all_tracks} \
            --audio={params.audio:q} \
            --exclude {params.exclude:q} \
            --on-bad-audio {params.on_bad_audio} \
            --n-folds {params.folds} \
            --group-by={params.group_by:q} \
            --split-by={params.split_by:q} \
            --limited-classes {params.limited:q} \
            --tracks {output.tracks} \
            --excluded {output.excluded} \
            2>>{log} | tee -ai {log}
        """
