VENV := .venv
PYTHON := python3

run: $(VENV)/run
	$(VENV)/bin/python -m hailuo

test: $(VENV)/test
	$(VENV)/bin/python -m pytest

lint: $(VENV)/lint
	$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check . && $(VENV)/bin/mypy

bench: $(VENV)/test
	$(VENV)/bin/python -m bench

lock: $(VENV)/lock
	$(VENV)/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-annotate \
		--custom-compile-command 'make lock' --output-file requirements.lock setup.cfg

others: $(VENV)/others/ready
	$(VENV)/others/bin/python -m pytest -c tests/others/pytest.ini tests/others

$(VENV)/others/ready: tests/others/requirements.txt setup.cfg | $(VENV)/bin/python
	$(PYTHON) -m venv $(VENV)/others
	$(VENV)/others/bin/pip install --quiet --editable '.[test]' -r tests/others/requirements.txt
	npm install --silent --prefix $(VENV)/others openai && touch $@

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/run: setup.cfg pyproject.toml | $(VENV)/bin/python
	$(VENV)/bin/pip install --quiet --editable . && touch $@

$(VENV)/test $(VENV)/lint $(VENV)/lock: $(VENV)/%: setup.cfg pyproject.toml | $(VENV)/bin/python
	$(VENV)/bin/pip install --quiet --editable '.[$*]' && touch $@

.PHONY: run test lint bench others lock
