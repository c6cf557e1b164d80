# Everything a newcomer needs; each target sets itself up. Needs Python 3.11+, git and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev

.PHONY: demo test proof check bench clean

demo: $(STAMP)  ## review a pull request full of bugs in the sandbox: no key, no network
	$(BIN)/reviewbot demo

test: $(DEV_STAMP)  ## the whole everyday suite
	$(BIN)/pytest -n 2 --dist loadfile

proof: $(DEV_STAMP)  ## what takes minutes: thirty kills, a thousand pull requests; figures are printed
	$(BIN)/pytest -m long -s

check: $(DEV_STAMP)  ## formatting, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(DEV_STAMP)  ## the figures of bench/, printed as tables
	$(BIN)/python -m bench

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"

$(STAMP): $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(DEV_STAMP): $(STAMP)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt --group dev
	@touch $@

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis reviewbot-demo
