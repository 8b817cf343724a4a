# The two commands: `make demo` shows the main job at work, `make test` runs all tests. Each makes its own .venv.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
STAMP = $(VENV)/.installed

.PHONY: demo test quick lint types bench docs check clean

demo: $(STAMP)
	$(BIN)/fmcsa-orchestrator demo

test: $(STAMP)
	$(BIN)/python -m pytest -rs -n auto

quick: $(STAMP)
	$(BIN)/python -m pytest -q -n auto --hypothesis-profile=quick tests/unit tests/docs/test_docs.py tests/docs/test_site.py tests/faults/test_page.py

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

check: lint types test

bench: $(STAMP)
	$(BIN)/python -m pip install --quiet --group bench
	$(BIN)/python -m benchmarks

docs: $(STAMP)
	$(BIN)/python -m pip install --quiet --group docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable ".[demo,telemetry]" --group test --group lint
	touch $(STAMP)

clean:
	rm -rf $(VENV) site .mypy_cache .pytest_cache .ruff_cache
