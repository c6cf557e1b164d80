# Everything a newcomer needs; each target sets itself up. Needs Python 3.11+, git and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev
DOCS_STAMP := $(VENV)/.installed-docs
# The theme tells of its successor at every build; that is no fault of a page.
MKDOCS := NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs

.PHONY: demo test proof check bench docs docs-serve package sbom lock clean

demo: $(STAMP)  ## review a pull request full of bugs in the sandbox: no key, no network
	$(BIN)/reviewbot demo

test: $(DEV_STAMP)  ## the whole everyday suite
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

proof: $(DEV_STAMP)  ## what takes minutes: kills, outages, a whole life, a thousand pull requests; figures are printed
	$(BIN)/pytest -m long -s

check: $(DEV_STAMP)  ## formatting, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(DEV_STAMP)  ## the figures of bench/, printed as tables
	$(BIN)/python -m bench

docs: $(DOCS_STAMP)  ## the documentation as a site in site/; stops at a dead link
	$(MKDOCS) build --strict --quiet
	@echo "site/ is made. To read it: make docs-serve"

docs-serve: $(DOCS_STAMP)  ## the same on http://127.0.0.1:8000, made again when a page changes
	$(MKDOCS) serve --strict

package: $(DEV_STAMP)  ## dist/: wheel and sdist, installed and tried in an environment of their own; licences
	$(BIN)/python tools/licences.py --check
	rm -f dist/*.whl dist/*.tar.gz
	$(BIN)/python -m hatchling build -d dist
	$(BIN)/pytest -m "long or not long" tests/house/test_package.py

sbom:  ## dist/reviewbot.cdx.json: what the image has of Python (CycloneDX 1.6)
	PYTHON=$(PYTHON) tools/sbom.sh

lock:  ## constraints.txt and requirements.lock; needs uv
	tools/lock.sh

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"

$(STAMP): $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(DEV_STAMP): $(STAMP)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt --group dev
	@touch $@

$(DOCS_STAMP): $(STAMP)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt --group docs
	@touch $@

clean:
	rm -rf $(VENV) site dist .pytest_cache .mypy_cache .ruff_cache .hypothesis reviewbot-demo
