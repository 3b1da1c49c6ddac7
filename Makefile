# MosMed-Edu: everything a contributor does in a day. `make help` lists it.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help book test real-book serve lab bench binder picture lint format release grading grade-demo audit lock clean

# The first Python that is new enough; `make PYTHON=/path/to/python book` takes another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
# Containers often forbid Python to keep what it has compiled. Here a hundred processes would compile the same again.
export PYTHONDONTWRITEBYTECODE :=
# glibc hands every large array that is freed back to the system, which clears that memory for the next one: a twelfth of
# the time that drawing takes. Elsewhere nobody reads these.
export MALLOC_MMAP_THRESHOLD_ := 33554432
export MALLOC_TRIM_THRESHOLD_ := 1073741824
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
COURSE ?= _build/rehearsal

help:  ## list these commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | awk -F'\t' '{printf "make %-11s%s\n", $$1, $$2}'

book: $(VENV)/.book-installed  ## draw the synthetic sample, run every notebook, write the site to _build/html
	@$(BIN)/python book/build.py

test: $(VENV)/.test-installed book  ## run every test, those of the built pages in a browser included
	@$(BIN)/python -m pytest -n auto --dist worksteal

real-book: $(VENV)/.test-installed book  ## build the whole book from a folder like the real dataset, and look for leaks
	@MOSMED_TEST_REAL_BOOK=1 $(BIN)/python -m pytest tests/book/test_real_data.py

serve: book  ## build, then show the book on http://localhost:8000 (PORT=... for another port)
	@echo "The book is at http://localhost:$(PORT) (Ctrl-C stops it)"
	@$(BIN)/python -m http.server --bind 127.0.0.1 --directory _build/html $(PORT)

lab: $(VENV)/.course-installed  ## open the notebooks in JupyterLab, live
	@$(BIN)/python -m jupyterlab notebooks

bench: $(VENV)/.test-installed  ## measure speed as ratios, side by side, and print a table, which the status page then shows
	@$(BIN)/python benchmarks/bench.py --json book/bench.json

binder: $(VENV)/.test-installed  ## take Binder's steps in a clean environment and run every notebook there, for the status page
	@$(BIN)/python benchmarks/binder.py --json book/binder.json

picture: $(VENV)/.course-installed  ## draw the README's picture anew
	@$(BIN)/python book/picture.py

lint: $(VENV)/.test-installed  ## check style, spelling and that notebooks have no outputs
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/codespell
	@$(BIN)/nbstripout --verify notebooks/*.ipynb notebooks/assignments/*/*/*.ipynb

format: $(VENV)/.test-installed  ## put code and notebooks into the project's form
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(BIN)/nbstripout notebooks/*.ipynb notebooks/assignments/source/*/*.ipynb

release: $(VENV)/.grading-installed  ## make the assignments that are handed out from their sources
	@$(BIN)/python book/assignments.py

grading: $(VENV)/.grading-installed  ## install what a teacher needs to grade assignments
	@echo "Ready. Next: $(BIN)/mosmed-edu assignment --help"

grade-demo: $(VENV)/.grading-installed  ## rehearse a class: draw, hand in five submissions, grade, export (COURSE=folder)
	@$(BIN)/python -m mosmed_edu.classroom.rehearsal $(COURSE)

audit: $(VENV)/.test-installed  ## ask whether a vulnerability is known in what is installed (needs the network)
	@$(BIN)/python .ci/audit.py

# requirements*.txt are made from pyproject.toml's extras, for every Python from 3.11 on. They name no package index.
UV_COMPILE = $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --no-annotate --quiet \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --upgrade
lock: $(VENV)/.test-installed  ## take the newest versions that work together into requirements*.txt
	@$(UV_COMPILE) --extra course --output-file requirements.txt
	@$(UV_COMPILE) --extra course --extra book --constraint requirements.txt --output-file requirements-book.txt
	@$(UV_COMPILE) --extra course --extra grading --constraint requirements-book.txt --output-file requirements-grading.txt
	@$(UV_COMPILE) --extra course --extra book --extra grading --extra test --extra lint \
		--constraint requirements-book.txt --constraint requirements-grading.txt \
		--output-file requirements-test.txt

clean:  ## remove what the build wrote (the drawn studies stay in your cache folder)
	@rm -rf _build build *.egg-info .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

# The stamps are written last, so an installation that was interrupted is taken up again.
$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "make: needs Python 3.11 or later, none found. Next: install it, or make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "make: cannot create $(VENV). Next: on Debian, apt install python3-venv" >&2; exit 1; }

# uv installs in seconds what takes pip minutes. Where there is none for this machine, or where it does not reach the
# package index (it does not read pip's settings), pip does it.
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check
define install
{ $(BIN)/uv pip install --quiet --python $(BIN)/python $(1) 2>/dev/null || $(PIP) $(1); }
endef

$(VENV)/.uv-installed: | $(BIN)/python
	@$(PIP) --constraint requirements-test.txt uv 2>/dev/null || echo "There is no uv here: pip will take some minutes."
	@touch $@

$(VENV)/.course-installed: requirements.txt pyproject.toml | $(VENV)/.uv-installed
	@echo "Installing what the notebooks need into $(VENV) (once) ..."
	@$(call install,--requirement requirements.txt)
	@$(call install,--no-deps --editable .)
	@touch $@

$(VENV)/.book-installed: requirements-book.txt $(VENV)/.course-installed
	@echo "Installing what the book needs into $(VENV) (once) ..."
	@$(call install,--requirement requirements-book.txt)
	@touch $@

$(VENV)/.grading-installed: requirements-grading.txt $(VENV)/.course-installed
	@echo "Installing what grading needs into $(VENV) (once) ..."
	@$(call install,--requirement requirements-grading.txt)
	@touch $@

$(VENV)/.test-installed: requirements-test.txt $(VENV)/.book-installed
	@echo "Installing what the tests need into $(VENV) (once) ..."
	@$(call install,--requirement requirements-test.txt)
	@touch $@
