# `make demo` and `make test` do all the set-up by themselves, and are safe to run again.
PYTHON ?= python3
VENV ?= .venv
# More options for pip, such as the index of PyTorch's CPU builds.
PIP_OPTIONS ?=
# The photos that the built-in model is trained on.
DATA ?= ../shared/data/dogs-vs-cats/train.zip
INSTALLED := $(VENV)/.installed
# Test files run side by side: most tests wait for commands that keep one processor busy.
PYTEST := $(VENV)/bin/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

# An empty environment, to try the wheel in.
EMPTY := build/empty

.PHONY: demo test test-slow check format reference builtin-model dist clean

demo: $(INSTALLED)  ## draws cats and dogs, trains, scores and predicts, in about a minute
	$(VENV)/bin/photoclass demo

test: $(INSTALLED)  ## all tests but the slow ones
	$(PYTEST)

test-slow: $(INSTALLED)  ## the tests that take many minutes
	$(VENV)/bin/python -m pytest -m slow

check: $(INSTALLED)  ## format, lint, types, generated documents, then the tests, those of the documents among them
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/python tools/schemas.py --check
	$(VENV)/bin/python tools/reference.py --check
	$(PYTEST)

format: $(INSTALLED)
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

reference: $(INSTALLED)  ## the JSON Schemas, and the generated parts of docs/reference/, written again
	$(VENV)/bin/python tools/schemas.py
	$(VENV)/bin/python tools/reference.py

builtin-model: $(INSTALLED)  ## the built-in cat-or-dog model, trained again on DATA; takes an hour
	$(VENV)/bin/photoclass train $(DATA) --recipe resnet --seed 0 --out build/builtin-model
	$(VENV)/bin/python tools/builtin_model.py build/builtin-model

dist: $(INSTALLED)  ## wheel and sdist in dist/; the wheel is tried in an empty environment, outside this checkout
	rm -rf dist $(EMPTY) build/tried
	$(VENV)/bin/python -m build --no-isolation
	$(PYTHON) -m venv $(EMPTY)
	$(EMPTY)/bin/python -m pip install --quiet -c constraints.txt dist/*.whl
	mkdir -p build/tried
	cd build/tried && PHOTOCLASS_CACHE=$(CURDIR)/build/tried/cache ../empty/bin/photoclass demo
	$(VENV)/bin/python benchmarks/install_size.py $(EMPTY)

clean:
	rm -rf $(VENV) photoclass-demo build dist

# The stamp is written last: a set-up that was interrupted is done again.
$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet $(PIP_OPTIONS) -c constraints.txt -e '.[torch,dev]'
	touch $@
