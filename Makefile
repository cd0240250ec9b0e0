# The two commands that matter: `make run` and `make test`.
PYTHON ?= python3
VENV ?= .venv
PORT ?= 8000
export PORT
BIN := $(VENV)/bin

.PHONY: run test lint bench texts pins clean

run: $(VENV)/.runtime            ## everything on one machine: http://localhost:8000
	@EVPORTAL_DEMO=1 exec $(BIN)/python manage.py run_demo

test: $(VENV)/.tests             ## the whole suite; parts that need PostgreSQL, Redis or Chromium say so when they skip
	$(BIN)/python -m pytest -n auto -m "not browser and not slow"
	$(BIN)/python -m pytest -m "browser or slow"

lint: $(VENV)/.tests
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/djlint --lint --quiet templates

bench: $(VENV)/.tests            ## prints figures, asserts nothing
	$(BIN)/python -m bench

texts: $(VENV)/.runtime          ## collect new texts for Hindi and compile the catalogue; needs gettext's programs
	$(BIN)/python manage.py makemessages -l hi --no-obsolete --add-location file -i tests -i $(VENV) -i var -i bench
	sed -i '/^"POT-Creation-Date/d; /^"Report-Msgid-Bugs-To/d' evportal/locale/hi/LC_MESSAGES/django.po
	$(BIN)/python manage.py compilemessages -l hi -i $(VENV)

pins: $(VENV)/bin/uv             ## rewrite the pinned lists from pyproject.toml
	$(BIN)/uv pip compile --universal --python-version 3.11 --no-header --no-annotate -q pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 --no-header --no-annotate -q pyproject.toml --group test -o tests/requirements.txt

$(VENV)/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "EV Portal needs Python 3.11 or newer; try make run PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check uv

$(VENV)/.runtime: requirements.txt $(VENV)/bin/uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements.txt
	@touch $@

$(VENV)/.tests: tests/requirements.txt $(VENV)/.runtime
	$(BIN)/uv pip install --quiet --python $(BIN)/python -r tests/requirements.txt
	@touch $@

clean:
	rm -rf $(VENV) var staticfiles
