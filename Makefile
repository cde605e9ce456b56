# make demo: install what scoring needs and score the samples; make test: install the rest and run all tests.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check clean

demo: .venv/scoring
	$(BIN)/rida score data/samples/feedback.csv --output feedback.scored.csv --triage 15

test: .venv/everything
	$(BIN)/python -m pytest

check: .venv/everything
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

.venv/scoring: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

.venv/everything: .venv/scoring
	$(BIN)/python -m pip install --quiet --editable ".[train,dev]"
	touch $@

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache feedback.scored.csv
