# Targets set up what they need in .venv, with nothing installed elsewhere. A second run finds it there.
# PYTHON=/path/to/python chooses the interpreter; WORKERS=1 runs the tests in one process.

BIN := .venv/bin
WORKERS ?= auto

.DEFAULT_GOAL := help
.PHONY: help demo test lint format docs docs-serve docs-refresh guarantees contest drift-contest bench notebook lock vega picture kills clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo:  ## the whole story on real tickets, in the terminal
	@bash tools/environment.sh run
	@$(BIN)/rampgate demo

test: lint  ## linters, types, import contracts and all tests; says what was skipped and why
	@echo "== pytest"
	@$(BIN)/python -m pytest -n $(WORKERS) --maxprocesses 4

lint:  ## ruff, mypy and the import contracts alone
	@bash tools/environment.sh dev
	@echo "== ruff"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@echo "== mypy"
	@$(BIN)/mypy
	@echo "== import contracts"
	@$(BIN)/lint-imports --no-logo

format:  ## let ruff format the code and mend what it can
	@bash tools/environment.sh dev
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

guarantees:  ## simulate every cell of docs/guarantees.md that is not there yet, and write the page
	@bash tools/environment.sh dev
	@$(BIN)/python -m benchmarks.guarantees

notebook:  ## run the notebooks from top to bottom and write them with their outputs
	@bash tools/environment.sh dev
	@$(BIN)/python tools/notebook.py

# The variable leaves out a notice about the theme's future that is printed beside the build; warnings end it.
docs:  ## build the documentation into site/, strictly
	@bash tools/environment.sh dev
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

docs-serve:  ## show the documentation on this machine while it is written
	@bash tools/environment.sh dev
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs serve --strict

docs-refresh:  ## bring the generated reference and every output shown in the pages up to the code
	@bash tools/environment.sh dev
	@$(BIN)/python -m tests.docs.refresh

contest:  ## the gate beside other rules on simulated rollouts: docs/contest.md (minutes; goes on where it was)
	@bash tools/environment.sh dev
	@nice $(BIN)/python -m benchmarks.gate_contest

drift-contest:  ## change detectors on labelled real series, with peers of their own environment: docs/drift-contest.md
	@bash tools/environment.sh dev
	@test -x benchmarks/drift_contest/.venv/bin/python || $(BIN)/python -m venv benchmarks/drift_contest/.venv
	@benchmarks/drift_contest/.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		-r benchmarks/drift_contest/requirements.txt
	@OMP_NUM_THREADS=1 nice $(BIN)/python -m benchmarks.drift_contest benchmarks/drift_contest/.venv/bin/python

bench:  ## looks beside DuckDB by hand, tea-tasting, pandas and others: docs/performance.md (PARTS="cells history" ROWS=1000000)
	@bash tools/environment.sh dev
	@bash tools/peers.sh
	@$(BIN)/python -m benchmarks.speed --rows $(or $(ROWS),20000000) $(PARTS)

lock:  ## compile requirements/*.txt from pyproject.toml (UPGRADE=1: to the newest versions)
	@bash tools/environment.sh run
	@bash tools/lock.sh $(if $(UPGRADE),--upgrade)

vega:  ## bundle the charting library of pages, as the locked vl-convert makes it
	@bash tools/environment.sh run
	@$(BIN)/python tools/make_vega.py

picture:  ## the README's picture: the demo's report in Chromium
	@bash tools/environment.sh dev
	@$(BIN)/python tools/make_picture.py

kills:  ## eight processes at one ledger, 200 looks, 500 kills at random moments (ten minutes; LEDGER=postgresql)
	@bash tools/environment.sh dev
	@$(BIN)/python -m tests.ledger.kills 500 $(or $(LEDGER),sqlite)

clean:  ## remove the environment, caches and what the demo left
	rm -rf .venv .venv-peers benchmarks/drift_contest/.venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist site rampgate-demo
	find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +
