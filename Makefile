# What a newcomer needs. The environment lies in .venv, made from the locks under envs/.
#   make demo    the whole experiment on the synthesised demo, then Table I and the report
#   make test    the tests
#   make test-slurm  those that need SLURM, in a cluster of one node that starts for them (as root)
#   make env     the environment alone: `. .venv/bin/activate`, then call snakemake;
#                GPU=1 takes MXNet's CUDA build instead of the CPU's, TORCH=1 adds PyTorch,
#                CLUSTER=1 Snakemake's executors for clusters, DEV=1 what the tests, the linters
#                and the benchmarks need
#   make estimate  how long the trainings will take on this machine; CORES=, GPUS= and ARGS=
#                (further words for snakemake) say of what
#   make adopt NAME=...  take over results/NAME of another checkout
#   make archive NAME=...  pack results/NAME and the workflow into FILE=, results/NAME.tar.gz
#   make model NAME=...  pack the best network of results/NAME, or VARIANTS="...", into FILE=,
#                results/NAME/model.zip, which labels music
#   make tables NAME=...  the tables of finished results again, from their predictions
#   make lint    formats and static checks
#   make lock    resolve envs/*.in again (needs uv)

# Where GPU= is not given, only `make env` changes the build of MXNet that is installed.
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

.PHONY: demo test test-slurm env estimate adopt archive model tables lint lock
.DELETE_ON_ERROR:

demo: .venv/$(BUILD)
	$(BIN)/snakemake --cores all --configfile presets/quick.yaml --config dataset=demo \
		engine=$(ENGINE)
	@echo
	@cat results/quick/table1.md
	@echo "The table lies in results/quick: table1.csv, table1.md, table1.tex; the report there,"
	@echo "report.html, opens in any browser."
	@echo
	@$(BIN)/python -m workflow_scripts.commands.pack_model results/quick

# Side by side: a test seldom keeps two cores busy. Four at the most: each may take a gigabyte.
test: .venv/dev
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist worksteal

test-slurm: .venv/dev .venv/cluster
	$(BIN)/python -m tests.one_node_slurm $(BIN)/pytest -m slurm

env: .venv/$(BUILD) $(if $(filter 1,$(TORCH)),.venv/torch) \
	$(if $(filter 1,$(CLUSTER)),.venv/cluster) $(if $(filter 1,$(DEV)),.venv/bench)
	@echo "Ready. Type:  . .venv/bin/activate"

estimate: .venv/$(BUILD)
	$(BIN)/snakemake estimate --cores $(or $(CORES),all) $(if $(GPUS),--resources gpu=$(GPUS)) \
		--quiet host progress reason rules $(ARGS)

NAMED = $(or $(NAME),$(error say of which results: make $@ NAME=quick))

adopt: .venv/$(BUILD)
	$(BIN)/python -m workflow_scripts.commands.adopt results/$(NAMED)

archive: .venv/$(BUILD)
	$(BIN)/python -m workflow_scripts.commands.archive results/$(NAMED) \
		$(or $(FILE),results/$(NAME).tar.gz)

model: .venv/$(BUILD)
	$(BIN)/python -m workflow_scripts.commands.pack_model results/$(NAMED) \
		$(if $(VARIANTS),--variants $(VARIANTS)) $(if $(FILE),--file $(FILE))

tables: .venv/$(BUILD)
	$(BIN)/python -m workflow_scripts.commands.rewrite_tables results/$(NAMED)

lint: .venv/dev
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/mypy
	$(BIN)/snakemake --lint

lock:
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
