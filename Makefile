# The two commands: `make demo` shows the main job at work, `make test` runs all tests. Each makes its own .venv.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
STAMP = $(VENV)/.installed
LOCK = requirements-dev.lock

.PHONY: demo test coverage test-in-parts quick lint types check bench docs hooks lock upgrade clean

demo: $(STAMP)
	$(BIN)/fmcsa-orchestrator demo

test: $(STAMP)
	$(BIN)/python -m pytest -rs -n auto $(COVER)

# The same tests, measured with all the processes that they start; fails below the floor that pyproject.toml sets.
coverage: COVER = --cov
coverage: test

# The same tests in two parts, for CI: measuring takes twice the time, so that only those that need no store are measured there.
MEASURED = tests/unit tests/integration/clients tests/integration/double tests/integration/sources
test-in-parts: $(STAMP)
	$(BIN)/python -m pytest -q -n auto --cov=fmcsa_orchestrator --cov-fail-under=88 $(MEASURED)
	$(BIN)/python -m pytest -rs -n auto --dist worksteal $(addprefix --ignore=,$(MEASURED))

quick: $(STAMP)
	$(BIN)/python -m pytest -q -n auto --hypothesis-profile=quick tests/unit tests/docs/test_docs.py \
		tests/docs/test_how_it_is_built.py tests/docs/test_site.py tests/faults/test_page.py

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

check: lint types test

bench: $(STAMP)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --group bench
	$(BIN)/python -m benchmarks

docs: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

hooks: $(STAMP)
	$(BIN)/pre-commit install

# All that pyproject.toml asks for, at the versions of the lock and with its hashes; then the package itself.
$(STAMP): pyproject.toml $(LOCK)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --requirement $(LOCK)
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $(STAMP)

# Makes the lock fit pyproject.toml, and keeps every version that still does; `make upgrade` takes the newest.
lock: $(BIN)/uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url \
		--custom-compile-command "make lock" --all-extras --group dev $(LOCKING) --output-file $(LOCK) pyproject.toml

upgrade: LOCKING = --upgrade
upgrade: lock

$(BIN)/uv:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet "uv>=0.11,<1"

clean:
	rm -rf $(VENV) .venv-3.* .coverage* site .mypy_cache .pytest_cache .ruff_cache
