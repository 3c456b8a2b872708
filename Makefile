# Every target sets up what it needs: a fresh clone, Python 3.11 or newer and make are enough.
# `make` alone prints the list. The virtual environment is built again whenever pyproject.toml changes.

PYTHON ?= python3
PYTEST_ARGS ?= -n auto --dist loadfile
BIN := .venv/bin
READY := .venv/.ready
FOREIGN := tests/foreign/node_modules/.ready

.DEFAULT_GOAL := help
.PHONY: help demo test check format requirements bench chaos docs browser foreign screenshots texts vendor wheel clean

help: ## this list
	@echo "Interplug: make TARGET"
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "  %-14s %s\n", $$1, $$2}'

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed; name it with: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv \
	  || { rm -rf .venv; echo "no virtual environment could be made here: may this folder be written? On Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo "preparing .venv (once, and after changes of pyproject.toml)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]' \
	  || { echo "the packages could not be installed (the network is needed this once); what is above says why, make again goes on" >&2; exit 1; }
	@touch $@

demo: $(READY) ## four nodes in four processes, stations charging, the driver's app (Ctrl-C ends it)
	@$(BIN)/interplug demo

test: $(READY) ## all tests: the browser's, PostgreSQL's, foreign stations' included (PYTEST_ARGS= to change how)
	@.ci/tools chromium postgresql || true
	@$(MAKE) --silent $(FOREIGN) || echo "without stations that others have written; what is above says why" >&2
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

check: $(READY) ## format, lint, types, order of the rooms, ids of the rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python requirements/report.py --check

format: $(READY) ## rewrite the files as check wants them
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

requirements: $(READY) ## which rules of OCPI a test holds, which none (ARGS=--json)
	@$(BIN)/python requirements/report.py $(ARGS)

bench: $(READY) ## speed against a bare server in the same run; exits 1 where it falls short
	@.ci/tools wrk
	@$(BIN)/python -m bench $(ARGS)

chaos: $(READY) ## nodes that are killed and lied to under load, and must be level afterwards (ARGS="--seeds 20")
	@$(BIN)/python -m chaos $(ARGS)

docs: $(READY) ## write the reference pages from the program's own tables
	@$(BIN)/python docs/generate.py

$(FOREIGN): tests/foreign/package-lock.json
	@.ci/tools node
	@echo "preparing tests/foreign with npm (once, and after changes of its lock file)"
	@cd tests/foreign && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

foreign: $(FOREIGN) ## the charging stations that others have written, for the tests (npm)

browser: ## find Chromium, or install it (Debian, as root)
	@.ci/tools chromium

screenshots: $(READY) ## a picture of every page in screenshots/: light and dark, on a phone and on a desk
	@mkdir -p screenshots
	@INTERPLUG_SCREENSHOTS=screenshots $(BIN)/python -m pytest tests/web/test_accessible.py tests/web/test_account_browser.py -q -k "pages or station or screens or passkey" $(PYTEST_ARGS)

texts: $(READY) ## bring the translations level with the texts; what is new is empty until somebody translates it
	@$(BIN)/python .ci/texts.py

vendor: ## fetch the vendored web files again with npm and compare their hashes
	@$(PYTHON) .ci/vendor.py $(ARGS)

wheel: $(READY) ## dist/interplug-*.whl, which holds everything
	@rm -rf dist
	@$(BIN)/python -m build --wheel --outdir dist .

clean: ## what the other targets made, .venv included
	rm -rf .venv tests/foreign/node_modules dist build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
