# On a fresh machine with Python 3.11: `make run`, `make test` and `make docs`. None needs root.
PYTHON ?= python3
VENV := .venv
TESTENV := .venv-test
DOCSENV := .venv-docs
# constraints.txt holds the versions that were tested together, all of them, for Python 3.11: pip has nothing to search, and
# every machine gets the same. Another Python gets what the ranges in setup.cfg admit, and pip has to search.
LOCK := $(shell $(PYTHON) -c "import sys; print('--constraint constraints.txt' * (sys.version_info[:2] == (3, 11)))")
# What an installation is made from; the compiled parts are built again if its source changes.
BUILT_FROM := pyproject.toml setup.cfg setup.py constraints.txt $(wildcard xner_spacy/csrc/*.[ch])
PIP := -m pip install --disable-pip-version-check --quiet $(LOCK)

# Colour codes are for a terminal, not for a log. (spaCy looks at this variable alone.)
ifneq ($(if $(MAKE_TERMOUT),$(NO_COLOR),log),)
export ANSI_COLORS_DISABLED := 1
endif

.PHONY: run install test lint docs clean

run: $(VENV)/.installed
	. $(VENV)/bin/activate && python -m spacy project run all

install: $(VENV)/.installed

# setuptools goes first, so that the package is built with the pinned one and not with one that pip fetches aside.
$(VENV)/.installed: $(BUILT_FROM)
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python $(PIP) 'setuptools>=77'
	$(VENV)/bin/python $(PIP) --no-build-isolation --editable .
	touch $@

$(TESTENV)/.installed: $(BUILT_FROM)
	$(PYTHON) -m venv $(TESTENV)
	$(TESTENV)/bin/python $(PIP) 'setuptools>=77'
	$(TESTENV)/bin/python $(PIP) --no-build-isolation --editable '.[all,dev,docs,peers]'
	touch $@

$(DOCSENV)/.installed: $(BUILT_FROM)
	$(PYTHON) -m venv $(DOCSENV)
	$(DOCSENV)/bin/python $(PIP) 'setuptools>=77'
	$(DOCSENV)/bin/python $(PIP) --no-build-isolation --editable '.[docs]'
	touch $@

lint: $(TESTENV)/.installed
	$(TESTENV)/bin/ruff check .
	$(TESTENV)/bin/ruff format --check .
	$(TESTENV)/bin/mypy

# With two workers on two processors, threads of their own would only wait for each other. tests/processors.py sets them.
WORKERS := -n 2 --dist loadfile --no-loadscope-reorder
test: lint
	. $(TESTENV)/bin/activate && OMP_NUM_THREADS=1 python -m pytest $(WORKERS) && python -m tests.processors $(WORKERS)

# The site, in site/. Building it asks no network: `python -m http.server -d site` shows it.
docs: $(DOCSENV)/.installed
	NO_MKDOCS_2_WARNING=1 $(DOCSENV)/bin/mkdocs build --strict --quiet

clean:
	rm -rf $(VENV) $(TESTENV) $(DOCSENV) site corpus training annotated metrics packages project.lock
	rm -rf $(foreach name,corpus training annotated metrics packages project.lock,projects/*/$(name))
