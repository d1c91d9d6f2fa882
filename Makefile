# Everything a developer or operator says to this project. Needs Python 3.11 or later, and make.

PYTHON ?= python3
NAME ?= kampus
DATA ?= data
REALM ?= 127.0.0.1:8889
BIN := .venv/bin
READY := .venv/installed
# Many tests wait for a process or a clock: one more at a time than there are cores keeps those busy.
JOBS ?= $(shell $(PYTHON) -c 'import os; print(len(os.sched_getaffinity(0)) + 1)')
SEED ?= 0
HISTORIES ?= 1000
# All at once, the longest first; what each says stays together (GNU make 4, else it may be mixed).
CHECKS := check-types check-imports check-page check-layout check-lint
WHOLE := $(if $(filter output-sync,$(.FEATURES)),--output-sync)

.DEFAULT_GOAL := help
.PHONY: $(CHECKS) help install run-realm run-client demo test test-all screenshots simulate simulate-realms soak bench results figures check format protocol lock audit clean

help: ## Say what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(READY) ## Make .venv with exactly the locked versions

$(READY): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit("Bagan needs Python 3.11 or later: say make PYTHON=python3.11 …" if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -c 'import venv, ensurepip' || { echo "this Python has no venv: install it (Debian: python3-venv)" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable '.[client,dev]'
	@touch $(READY)

run-realm: $(READY) ## Run a realm on its defaults (NAME=kampus, DATA=data)
	$(BIN)/python -m realm run --name $(NAME) --data $(DATA)

run-client: $(READY) ## Serve the web client on http://localhost:8550 (REALM=127.0.0.1:8889)
	$(BIN)/python -m client.ui --realm $(REALM)

demo: $(READY) ## Try it: two realms with demo accounts and the web client for them, until Ctrl-C (http://localhost:8550)
	$(BIN)/python -m client.ui --demo

test: $(READY) ## Run the tests, in a Chromium too, which is installed where there is none (some 12 minutes)
	$(BIN)/python -m tests.browser.chromium
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m "not thorough"

test-all: $(READY) ## The same with those that take long (some 20 minutes)
	$(BIN)/python -m tests.browser.chromium
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

screenshots: $(READY) ## Take the pictures in docs/screens anew
	$(BIN)/python -m tests.browser.chromium
	$(BIN)/python -m tests.browser.screenshots

simulate: $(READY) ## Run more simulated histories on all cores (SEED=0 HISTORIES=1000)
	$(BIN)/python -m tests.simulation.runner $(SEED) $(HISTORIES)

simulate-realms: $(READY) ## The same for several realms that federate (SEED=0 HISTORIES=1000)
	$(BIN)/python -m tests.simulation.federation.runner $(SEED) $(HISTORIES)

soak: $(READY) ## Put realms through storms, crashes, cut networks and hostile input, and show what came of it (hours)
	$(BIN)/python -m tests.soak

bench: $(READY) ## Measure a realm beside its binding's own limit, and the web client (some 10 minutes; leave the machine alone)
	$(BIN)/python -m tests.bench

results: $(READY) ## Both of these, kept in docs/results; then make figures (hours; leave the machine alone)
	@failed=0; \
	$(BIN)/python -m tests.bench --json docs/results/bench.json || failed=1; \
	$(BIN)/python -m tests.soak --json docs/results/soak.json || failed=1; \
	$(BIN)/python -m tests.results || failed=1; \
	exit $$failed

figures: $(READY) ## Draw docs/performance.md, docs/proof.md and docs/plots from docs/results (seconds)
	$(BIN)/python -m tests.results

check: $(READY) ## Format, lint, strict types, import rules, stale pages and plots
	@$(MAKE) --no-print-directory --jobs --keep-going $(WHOLE) $(CHECKS)

check-types: $(READY)
	$(BIN)/mypy

check-imports: $(READY)
	$(BIN)/lint-imports --no-logo

check-page: $(READY)
	$(BIN)/python -m schemas.page --check
	$(BIN)/python -m tests.results --check

check-layout: $(READY)
	$(BIN)/ruff format --check --quiet .

check-lint: $(READY)
	$(BIN)/ruff check --quiet .

format: $(READY) ## Format the code
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format --quiet .

protocol: $(READY) ## Write docs/protocol.md anew from schemas/
	$(BIN)/python -m schemas.page

lock: $(READY) ## Choose the newest versions that pyproject.toml allows
	$(BIN)/pip-compile --quiet --upgrade --all-extras --strip-extras --no-emit-index-url --no-emit-find-links \
	  --no-header --annotation-style=line --output-file requirements.lock pyproject.toml

audit: $(READY) ## Look up known vulnerabilities of the locked versions (needs a network; no part of check or test)
	@$(BIN)/pip-audit --requirement requirements.lock --no-deps --disable-pip --strict --progress-spinner off || { \
	  echo "make audit: not clean. What is listed above as vulnerable needs a newer version (make lock)." >&2; \
	  echo "Where an error is listed instead, not all was looked up: no vulnerability service was reached that knows it." >&2; \
	  exit 1; }

clean: ## Remove what was made (not the data)
	rm -rf .venv .mypy_cache .ruff_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
