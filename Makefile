# The commands of this workflow; `make` lists them. The environment is .venv, made from the locks
# under envs/.

# Where GPU= is not given, only `make env` changes the installed build of MXNet.
ifeq ($(filter env,$(MAKECMDGOALS)),)
GPU ?= $(if $(wildcard .venv/gpu),1)
endif
BUILD := $(if $(filter 1,$(GPU)),gpu,cpu)
# A Python that MXNet and Essentia run on; PYTHON=... chooses another.
PYTHON := $(shell envs/find-python)
BIN := .venv/bin
# MXNet has no build for Apple Silicon.
ENGINE := $(if $(filter Darwin-arm64,$(shell uname -sm | tr ' ' -)),torch,mxnet)
# snakefmt calls shfmt, the rules call python.
export PATH := $(CURDIR)/$(BIN):$(PATH)
# A word for the shell, and a text for YAML, which --config reads. Snakemake would remove the quotes
# without the blanks.
quoted = '$(subst ','\'',$(1))'
blank := $() $()
text = $(blank)'$(subst ','',$(1))'$(blank)
NAMED = $(call quoted,results/$(or $(NAME),$(error say which results: make $@ NAME=quick)))

.DEFAULT_GOAL := help
.PHONY: help demo test test-all test-slurm env estimate watch label model tracks tables compare archive \
	adopt clean-features lint lock
.DELETE_ON_ERROR:

help: ## list these commands
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 24

demo: .venv/$(BUILD) ## run the whole experiment on synthesised audio, in minutes; REPLACE=1 replaces trainings
	$(BIN)/snakemake --cores all --configfile presets/quick.yaml --config dataset=demo \
		engine=$(ENGINE) $(if $(REPLACE),replace=true)
	@echo
	@cat results/quick/table1.md
	@echo "The table is results/quick/table1.csv, .md and .tex. To open the report in a browser:"
	@echo "  $(BIN)/python -m webbrowser $$($(BIN)/python -c 'from pathlib import Path; \
		print(Path("results/quick/report.html").absolute().as_uri())')"
	@echo
	@$(BIN)/python -m workflow_scripts.commands.pack_model results/quick

# In parallel: a test seldom keeps two cores busy. At most four: each may take a gigabyte.
PYTEST := $(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist worksteal

test: .venv/dev ## run the tests that a change is likely to break, in minutes
	$(PYTEST) -m "not endurance and not slurm"

test-all: .venv/dev ## run all tests but those that need SLURM
	$(PYTEST) -m "not slurm"

test-slurm: .venv/dev .venv/cluster ## run the tests that need SLURM, on a one-node cluster (as root)
	$(BIN)/python -m tests.one_node_slurm $(BIN)/pytest -m slurm

env: .venv/$(BUILD) $(if $(filter 1,$(TORCH)),.venv/torch) \
	$(if $(filter 1,$(CLUSTER)),.venv/cluster) \
	$(if $(filter 1,$(DEV)),.venv/bench) ## make the environment; GPU=1, TORCH=1, CLUSTER=1 and DEV=1 add to it
	@echo "Ready. Type:  . .venv/bin/activate"

estimate: .venv/$(BUILD) ## estimate the time of the trainings; CORES=, GPUS=, ARGS="--configfile ..."
	$(BIN)/snakemake estimate --cores $(or $(CORES),all) $(if $(GPUS),--resources gpu=$(GPUS)) $(ARGS)

watch: .venv/$(BUILD) ## show the running trainings of results/NAME until Ctrl-C
	@$(BIN)/python -m workflow_scripts.commands.watch $(NAMED)

label: .venv/$(BUILD) ## label the music in AUDIO=FOLDER with MODEL=FILE; NAME= of the results
	$(BIN)/snakemake --snakefile label.smk --cores $(or $(CORES),all) --config \
		$(call quoted,model=$(call text,$(or $(MODEL),$(error $(NO_MODEL))))) \
		$(call quoted,audio_dir=$(call text,$(or $(AUDIO),$(error $(NO_AUDIO))))) \
		$(if $(NAME),$(call quoted,name=$(call text,$(NAME))))
NO_MODEL := say which model: MODEL=results/quick/model.zip
NO_AUDIO := say which music: AUDIO=FOLDER

model: .venv/$(BUILD) ## pack the best network of results/NAME, or VARIANTS="...", into FILE=
	$(BIN)/python -m workflow_scripts.commands.pack_model $(NAMED) \
		$(if $(VARIANTS),--variants $(foreach v,$(VARIANTS),$(call quoted,$v))) \
		$(if $(FILE),--file $(call quoted,$(FILE)))

tracks: .venv/$(BUILD) ## list the tracks of mirdata's DATASET in DATA_HOME=FOLDER, for dataset=folder
	$(if $(filter command%,$(origin HOME)),$(error $(NO_HOME)))
	$(BIN)/python -m workflow_scripts.commands.tracks \
		$(call quoted,$(or $(DATASET),$(error $(NO_DATASET)))) \
		$(call typed,--home,DATA_HOME) $(call typed,--version,VERSION) \
		$(call typed,--label,LABEL) $(call typed,--audio,AUDIO) $(call typed,--file,FILE) \
		$(if $(REPLACE),--replace)
# Only what was typed: the environment may have variables of these names for other purposes.
typed = $(if $(filter command%,$(origin $(2))),$(1) $(call quoted,$($(2))))
NO_HOME := HOME is your own home folder: give the folder of the data set as DATA_HOME=FOLDER
NO_DATASET := say which data set of mirdata: make tracks DATASET=gtzan_genre DATA_HOME=FOLDER

tables: .venv/$(BUILD) ## write the tables of results/NAME again, from its predictions
	$(BIN)/python -m workflow_scripts.commands.rewrite_tables $(NAMED)

compare: .venv/$(BUILD) ## compare the runs in NAMES="a b ...", each with the first; FOLDER= to write into
	$(BIN)/python -m workflow_scripts.commands.compare \
		$(foreach name,$(or $(NAMES),$(error $(NO_NAMES))),$(call quoted,results/$(name))) \
		$(if $(FOLDER),--output $(call quoted,$(FOLDER)))
NO_NAMES := say which results: make compare NAMES="quick other"

archive: .venv/$(BUILD) ## pack results/NAME and the workflow into FILE=
	$(BIN)/python -m workflow_scripts.commands.archive $(NAMED) \
		$(call quoted,$(or $(FILE),results/$(NAME).tar.gz))

clean-features: .venv/$(BUILD) ## list the shared features; UNUSED=1 removes what no results use, FEATURES= one
	$(BIN)/python -m workflow_scripts.commands.clean_features $(if $(filter 1,$(UNUSED)),--unused) \
		$(if $(FEATURES),--features $(call quoted,$(FEATURES)))

adopt: .venv/$(BUILD) ## take over results/NAME that another checkout made
	$(BIN)/python -m workflow_scripts.commands.adopt $(NAMED)

lint: .venv/dev ## check formats, types and spelling
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/snakefmt --check Snakefile label.smk rules
	$(BIN)/mypy
	$(BIN)/codespell
	$(BIN)/snakemake --lint

lock: ## resolve envs/*.in again (needs uv)
	cd envs && uv pip compile $(LOCK) cpu.in --output-file cpu.txt
	cd envs && uv pip compile $(LOCK) --constraint cpu.txt gpu.in --output-file gpu.txt
	cd envs && uv pip compile $(LOCK) --constraint cpu.txt dev.in --output-file dev.txt
	cd envs && uv pip compile $(LOCK) --constraint dev.txt bench.in --output-file bench.txt
	cd envs && uv pip compile $(LOCK) --constraint dev.txt cluster.in --output-file cluster.txt
	cd envs && uv pip compile $(LOCK) --constraint cpu.txt label.in --output-file label.txt
LOCK := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-header --no-annotate

.venv/cpu .venv/gpu .venv/dev .venv/bench .venv/cluster .venv/torch: .venv/%: envs/%.txt
	envs/install $* "$(PYTHON)"
.venv/dev .venv/bench .venv/cluster .venv/torch: .venv/$(BUILD)
