# Two commands on a fresh machine with Python 3.11: `make run` and `make test`. Neither needs root.
PYTHON ?= python3
VENV := .venv
TESTENV := .venv-test
PIP := -m pip install --disable-pip-version-check --constraint constraints.txt

.PHONY: run install test lint clean

run: $(VENV)/.installed
	. $(VENV)/bin/activate && python -m spacy project run all

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python $(PIP) --quiet --editable .
	touch $@

# torch goes first and alone, so that the pinned build is there before another package asks for any version of it.
$(TESTENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(TESTENV)
	$(TESTENV)/bin/python $(PIP) --quiet torch
	$(TESTENV)/bin/python $(PIP) --quiet --editable '.[all,dev]'
	touch $@

lint: $(TESTENV)/.installed
	$(TESTENV)/bin/ruff check .
	$(TESTENV)/bin/ruff format --check .
	$(TESTENV)/bin/mypy

test: lint
	. $(TESTENV)/bin/activate && python -m pytest -n 2 --dist loadfile

clean:
	rm -rf $(VENV) $(TESTENV) corpus training annotated metrics packages project.lock
