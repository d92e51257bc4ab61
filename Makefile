# Every target does its own set-up in .venv. Nothing to activate, nothing to install first but
# Python 3.11 with venv (and, for the browser tests, Chromium: see `browser`).
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# Benchmarks load onnxruntime by themselves too; it reports what it runs to its makers otherwise.
export ORT_DISABLE_TELEMETRY := 1

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: help demo test check format screenshot bench bench-faults bench-cluster bench-plan \
	bench-report bench-distill bench-train bench-noise bench-memory fuzz e2e browser clean

help:  ## List the targets
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

$(VENV)/core: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(PIP) --editable . --group demo
	touch $@

$(VENV)/dev: $(VENV)/core
	$(PIP) torch
	$(PIP) --editable ".[hub,train,eval,heif,generate,diffusers,scale,turbo]" --group demo --group test --group check
	touch $@

$(VENV)/cluster: $(VENV)/dev
	$(PIP) --editable ".[ray]"
	touch $@

$(VENV)/fuzz: $(VENV)/dev
	$(PIP) "atheris>=3"
	touch $@

demo: $(VENV)/core  ## Classify real photographs; print a table and where the report is
	$(BIN)/python tools/demo.py demo

# A worker per processor, each with one thread: torch's own threads wait for each other when others
# compute beside them.
test: $(VENV)/dev browser  ## Run every test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n logical --maxprocesses 4 --dist loadfile

check: $(VENV)/dev  ## Format, lint, types, import directions, freshness of generated docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python tools/cli_docs.py --check
	$(BIN)/python tools/recipe_docs.py --check

format: $(VENV)/dev  ## Put everything into the house's format; renew generated docs
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/python tools/cli_docs.py
	$(BIN)/python tools/recipe_docs.py

browser:
	@if ! command -v chromium chromium-browser google-chrome "$${CHROMIUM:-}" >/dev/null 2>&1; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; \
	  else \
	    echo "The report is tested in a real browser: install Chromium (Debian: apt-get install chromium)" \
	      "or set CHROMIUM to a Chrome or Chromium program, then run this again." >&2; exit 1; \
	  fi; fi

screenshot: $(VENV)/dev browser demo  ## Make the README's picture from the demo's report
	$(BIN)/python tools/screenshot.py demo/report.html --out demo
	mkdir -p docs/images
	cp demo/desktop.png docs/images/desktop.png

bench: $(VENV)/dev  ## Pictures per second against other tools and against what is possible (half an hour)
	$(BIN)/python bench/speed.py

bench-faults: $(VENV)/dev  ## Classify 20,000 damaged and hostile files; every one must be a row
	$(BIN)/python bench/faults.py

bench-cluster: $(VENV)/cluster  ## Pictures per second without Ray, and with one and two workers of it
	$(BIN)/python bench/cluster.py

bench-plan: $(VENV)/dev  ## Bytes and seconds that a picture costs the command of a cluster
	$(BIN)/python bench/plan.py

bench-report: $(VENV)/dev browser  ## How a browser bears reports of many rows
	$(BIN)/python bench/report_page.py

bench-distill: $(VENV)/dev  ## Steps per second of prompt distillation, where the time goes, peak memory
	$(BIN)/python bench/distill.py

bench-train: $(VENV)/dev  ## Pictures per second of training encoders, against a bare loop, peak memory
	$(BIN)/python bench/train.py

bench-noise: $(VENV)/dev  ## Soft against hard labels under wrong captions (half an hour)
	$(BIN)/python bench/noisy_captions.py

bench-memory: $(VENV)/dev  ## Peak memory against the number of files
	$(BIN)/python bench/memory.py

fuzz: $(VENV)/fuzz  ## Look for bytes that our readers of files stumble over; SECONDS_EACH=60
	$(BIN)/python fuzz/run.py --seconds $(or $(SECONDS_EACH),60)

e2e: $(VENV)/cluster browser  ## The slow proofs: a hundred kills each, full disks, a cluster that loses a machine, other tools' readers
	$(BIN)/python -m pytest e2e

clean:  ## Remove what the targets made
	rm -rf $(VENV) demo dist .bench .pytest_cache .mypy_cache .ruff_cache .hypothesis
