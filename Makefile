# The developer's day. PY is the interpreter of the environment in use.
PY ?= python
.PHONY: check format lint types imports test test-all quickstart fix

check: lint imports types  ## everything fast that must be green before a commit (then: make test)

lint:
	$(PY) -m ruff format --check src tests benchmarks
	$(PY) -m ruff check src tests benchmarks

imports:
	$(PY) -m importlinter.cli lint 2>/dev/null || lint-imports

types:
	$(PY) -m mypy

fix:
	$(PY) -m ruff format src tests benchmarks
	$(PY) -m ruff check --fix src tests benchmarks

test:
	$(PY) -m pytest -n auto

test-all:  ## the slow proofs too
	$(PY) -m pytest -m 'not gpu' -n auto

quickstart:
	$(PY) -m tunesmith.cli.main quickstart --out runs/quickstart
