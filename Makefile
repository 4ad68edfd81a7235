VENV := .venv
PYTHON := python3
INSTALL := $(VENV)/bin/pip install
# Tests wait more than they compute: two workers more than there are cores. They start
# many processes, which begin sooner from compiled modules.
WORKERS := $(shell expr $$(getconf _NPROCESSORS_ONLN) + 2)
PARALLEL := -n $(WORKERS) --dist worksteal
PAGE := .venv/page
ESLINT := $(PAGE)/node_modules/.bin/eslint
export PYTHONDONTWRITEBYTECODE :=

run: $(VENV)/run
	$(VENV)/bin/python -m hailuo

test: $(VENV)/test $(PAGE)/ready
	$(VENV)/bin/python -m pytest $(PARALLEL)

quick: $(VENV)/test
	$(VENV)/bin/python -m pytest $(PARALLEL) -m 'not slow'

# The tests with the lowest versions that setup.cfg allows, in an environment of their own.
lowest: $(VENV)/lock
	$(MAKE) test VENV=$(VENV)/lowest \
		INSTALL='$(VENV)/bin/uv pip install --python $(VENV)/lowest --resolution lowest-direct'

lint: $(VENV)/lint $(VENV)/test $(PAGE)/ready
	$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check . && $(VENV)/bin/mypy
	[ ! -x $(ESLINT) ] || $(ESLINT) --config tests/page/eslint.config.mjs hailuo/page tests/page

bench: $(VENV)/test
	$(VENV)/bin/python -m bench

lock: $(VENV)/lock
	$(VENV)/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-annotate --generate-hashes \
		--custom-compile-command 'make lock' --extra redis --output-file requirements.lock setup.cfg

others: $(VENV)/third_party/ready
	$(VENV)/third_party/bin/python -m pytest -c tests/third_party/pytest.ini tests/third_party

$(VENV)/third_party/ready: tests/third_party/requirements.txt tests/third_party/package.json setup.cfg | $(VENV)/bin/python
	$(PYTHON) -m venv $(VENV)/third_party
	$(VENV)/third_party/bin/pip install --quiet --editable '.[test]' -r tests/third_party/requirements.txt
	cp tests/third_party/package.json $(VENV)/third_party
	npm install --silent --no-audit --prefix $(VENV)/third_party && touch $@ || \
		echo "npm failed: tests of its packages are skipped"

$(PAGE)/ready: tests/page/package.json
	mkdir -p $(PAGE) && cp $< $(PAGE)
	npm install --silent --no-audit --prefix $(PAGE) && touch $@ || \
		echo "NPM FAILED: the page's JavaScript and its accessibility are NOT CHECKED"

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/run: setup.cfg pyproject.toml | $(VENV)/bin/python
	$(INSTALL) --quiet --editable . && touch $@

$(VENV)/test $(VENV)/lint $(VENV)/lock: $(VENV)/%: setup.cfg pyproject.toml | $(VENV)/bin/python
	$(INSTALL) --quiet --editable '.[$*]' && touch $@

.PHONY: run test quick lowest lint bench others lock
