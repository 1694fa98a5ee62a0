# The developer's day. PY is the interpreter of the environment in use: make test PY=.venv/bin/python
PY ?= python
CODE := $(wildcard src tests benchmarks scripts)
.PHONY: help check lint imports types fix test test-all quickstart

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/'

check: lint imports types  ## everything fast that must be green before a commit (then: make test)

lint:  ## format and style
	$(PY) -m ruff format --check $(CODE)
	$(PY) -m ruff check $(CODE)

# import-linter cannot be run with -m, and its command may not be on the PATH.
imports:  ## the floors: imports only go down
	$(PY) -c 'import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())'

types:  ## mypy --strict
	$(PY) -m mypy

fix:  ## let ruff repair what it can
	$(PY) -m ruff format $(CODE)
	$(PY) -m ruff check --fix $(CODE)

test:  ## the default tests: CPU, no network
	OMP_NUM_THREADS=1 $(PY) -m pytest -n auto

test-all:  ## the slow proofs too
	OMP_NUM_THREADS=1 $(PY) -m pytest -m 'not gpu' -n auto

quickstart:  ## the whole loop on the built-in desk
	$(PY) -m tunesmith.cli.main quickstart --out runs/quickstart
