# tumorlens: `make help` lists what there is.
PYTHON ?= python3
RUNTIME := .venv-runtime
DEV := .venv-dev
BIN := $(DEV)/bin
DATA ?= ../shared/data
REPORT ?= report

.DEFAULT_GOAL := help
.PHONY: help demo dev browser format check test test-all figures results examples screenshots bench bench-short bench-audit bench-web clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(RUNTIME)/.installed ## Install the runtime alone, classify examples/, write a report
	$(RUNTIME)/bin/tumorlens predict examples --output $(REPORT)

$(RUNTIME)/.installed: pyproject.toml $(shell find src -type f -not -name '*.pyc')
	$(PYTHON) -m venv $(RUNTIME)
	$(RUNTIME)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt .
	@touch $@

dev: $(DEV)/.installed ## Install everything that development and tests need
$(DEV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(DEV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[lab,dev]'
	@touch $@

format: dev ## Format the code
	$(BIN)/ruff format src tests examples benchmarks tools
	$(BIN)/ruff check --fix --quiet src tests examples benchmarks tools

check: dev ## Lint, types, layers
	$(BIN)/ruff format --check src tests examples benchmarks tools
	$(BIN)/ruff check src tests examples benchmarks tools
	$(BIN)/mypy
	$(BIN)/lint-imports

browser: ## Install Chromium for the browser tests, where apt and the rights are there
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || { \
	  command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] && apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium \
	  >/dev/null; } || echo "no Chromium: the browser tests will be skipped"

test: dev browser ## Run the tests (under 12 minutes on two cores)
	$(BIN)/python -m pytest -m "not slow"

test-all: dev browser ## Run the slow tests too
	$(BIN)/python -m pytest

figures: dev ## Write the figures of runs/default/evaluation.json into README, MODEL_CARD.md and card
	$(BIN)/python tools/publish_figures.py

results: dev ## Write docs/results.md from the rows in runs/results
	$(BIN)/python tools/write_results.py

examples: dev ## Make examples/ again
	$(BIN)/python examples/make_examples.py

screenshots: dev browser ## Take the screenshots of docs/images again (needs Chromium)
	$(BIN)/python tools/take_screenshots.py

bench: $(RUNTIME)/.installed $(DEV)/.bench ## Measure speed beside other programs, growth, training, cost (half an hour)
	$(BIN)/python benchmarks/side_by_side.py --data $(DATA)
	$(BIN)/python benchmarks/growth.py
	$(BIN)/python benchmarks/training_throughput.py --data $(DATA)/sartaj/Training
	$(BIN)/python benchmarks/bulk_cost.py --scans $(DATA)/cheng/images --write

bench-short: $(RUNTIME)/.installed $(DEV)/.bench ## Try the measuring, a few of everything; writes nothing
	$(BIN)/python benchmarks/side_by_side.py --data $(DATA) --short --no-page --busy
	$(BIN)/python benchmarks/growth.py --short --no-page
	$(BIN)/python benchmarks/training_throughput.py --data $(DATA)/sartaj/Training --short --no-page

$(DEV)/.bench: $(DEV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[lab,dev,bench]'
	@touch $@

bench-audit: dev ## Measure what the audit ties and what it costs into docs/ (half an hour)
	$(BIN)/python benchmarks/audit_ties.py $(DATA) --write
	$(BIN)/python benchmarks/audit_cost.py $(DATA) --write

bench-web: dev browser ## Measure the service (10,000 requests, size) and the app's memory into docs/
	$(BIN)/python benchmarks/serving_load.py --write
	$(BIN)/python benchmarks/serving_footprint.py --write
	$(BIN)/python benchmarks/ui_memory.py --write

clean: ## Remove environments, caches and the demo's report
	rm -rf $(RUNTIME) $(DEV) $(REPORT) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
