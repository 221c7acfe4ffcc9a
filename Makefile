# `make demo` and `make test` do all the set-up by themselves, and are safe to run again.
PYTHON ?= python3
VENV ?= .venv
# Further words for pip, as the index of PyTorch's CPU builds.
PIP_OPTIONS ?=
# The photos that the built-in model learns from.
DATA ?= ../shared/data/dogs-vs-cats/train.zip
INSTALLED := $(VENV)/.installed
# Tests run side by side, a file at a time: most of them wait for commands that keep one processor busy.
PYTEST := $(VENV)/bin/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile

.PHONY: demo test test-slow check format builtin-model clean

demo: $(INSTALLED)  ## the whole way on drawings, in about a minute
	$(VENV)/bin/photoclass demo

test: $(INSTALLED)  ## all tests but the slow ones
	$(PYTEST)

test-slow: $(INSTALLED)  ## the tests that take many minutes
	$(VENV)/bin/python -m pytest -m slow

check: $(INSTALLED)  ## format, lint, types, then the tests
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(PYTEST)

format: $(INSTALLED)
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

builtin-model: $(INSTALLED)  ## the built-in cat-or-dog model, trained anew from DATA; takes an hour
	$(VENV)/bin/photoclass train $(DATA) --recipe resnet --seed 0 --out build/builtin-model
	$(VENV)/bin/python tools/builtin_model.py build/builtin-model

clean:
	rm -rf $(VENV) photoclass-demo build dist

# The stamp is written last: a set-up that was cut short is done again.
$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet $(PIP_OPTIONS) -c constraints.txt -e '.[train,dev]'
	touch $@
