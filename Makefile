# make demo: set up and run the main job to a page.   make test: set up and run all tests.
PYTHON ?= python3
VENV := .venv
LOWEST := $(VENV)-lowest
BIN := $(VENV)/bin
# Compiling all files takes a minute; Python compiles those that are used, when they are, and keeps that. Where it is
# told not to, as in many containers, each command would take a second and a half more.
unexport PYTHONDONTWRITEBYTECODE
PIP := $(BIN)/pip install -q --disable-pip-version-check --no-compile -c constraints.txt
# PyTorch for the CPU; PyPI's, which TORCH=cuda takes, has gigabytes of CUDA on Linux.
TORCH ?= cpu
CPU_INDEX := --index-url https://download.pytorch.org/whl/cpu --retries 0 --timeout 15
# A strict editable install links files one by one, so a file that comes or goes needs a new one.
FILES := $(shell find bench codecs site templates -type f -not -path '*/__pycache__/*' | LC_ALL=C sort | cksum | cut -d' ' -f1)

# Two processes: each may take 2 GB. Files stay together, as they share fixtures, in the order of tests/conftest.py.
JOBS ?= 2
TEST := pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

ENGINE ?= docker
APART = $(ENGINE) run --rm --read-only --network none --shm-size 64k -u "$$(id -u):$$(id -g)" \
  -v "$(CURDIR)/runs/container:/work" almbench

NODE := $(shell command -v npm)
SCRIPTS := $(if $(NODE),tests/js/node_modules/.package-lock.json)

.PHONY: demo test fast coverage fuzz crashes mutants lowest simulation demopage perf reconstruction scale lint format container languages docs install clean help
.DEFAULT_GOAL := help

help:  ## Show this list.
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 12

demo: install  ## Run the quick suite and build its page.
	$(BIN)/bench run quick -o runs/quick
	$(BIN)/bench site runs/quick -o public

test: install $(SCRIPTS)  ## Run all tests, the slow ones too.
	$(BIN)/$(TEST)

fast: install $(SCRIPTS)  ## Run the fast tests.
	$(BIN)/$(TEST) -m "not slow"

coverage: install $(SCRIPTS)  ## Run all tests, and print which lines of the package they reach.
	$(BIN)/$(TEST) --cov

CASES ?= 1000
fuzz: install  ## Change good inputs of every kind in CASES ways, and list what the program does not bear.
	$(BIN)/python -m tests.fuzz.run --cases $(CASES)

KILLS ?= 100
crashes: install  ## Kill processes of a shared run at random, KILLS times, and see that it is finished as any other; a quarter as often on Ray.
	KILLS=$(KILLS) $(BIN)/pytest -m slow tests/runner/test_sharing.py tests/runner/test_ray_engine.py

mutants: install  ## Change facts and code, one thing at a time, and list what no test notices.
	$(PIP) mutmut==3.8.1
	$(BIN)/python -m tests.mutation.run

lowest: install $(SCRIPTS)  ## Run the fast tests with the lowest versions that pyproject.toml allows.
	rm -rf $(LOWEST)
	$(PYTHON) -m venv $(LOWEST)
	# PyTorch stays the one of constraints.txt: older ones bring gigabytes of CUDA along.
	$(LOWEST)/bin/pip install -q --disable-pip-version-check -c constraints.txt torch
	$(BIN)/uv pip install -q --python $(LOWEST)/bin/python --resolution lowest-direct -c constraints.txt -e '.[all,dev]'
	$(LOWEST)/bin/pip install -q --disable-pip-version-check --no-deps resemblyzer==0.1.4
	$(LOWEST)/bin/$(TEST) -m "not slow"

simulation: install  ## Simulate how often intervals cover the truth and tests err.
	$(BIN)/python tests/statistics/coverage.py
	$(BIN)/python tests/statistics/bjontegaard_coverage.py

demopage: install  ## Check the suite alm-demo's values on the demo page's audio: DATA=PATH.
	$(BIN)/python tests/demo/check_demo_page.py $(DATA)

perf: install  ## Measure scoring against its metrics' own code, on speech with a folder gt: DATA=PATH.
	$(BIN)/python -m tests.perf.scoring $(DATA)

CLIPS ?= 200
DEVICE ?= auto
reconstruction: install  ## Measure neural codecs, with random weights, against a plain loop: CLIPS=N, DEVICE=cpu or cuda.
	$(BIN)/python -m tests.perf.reconstruction --clips $(CLIPS) --device $(DEVICE)

ROWS ?= 10000 100000
scale: install  ## Measure how time and memory of commands grow with the ROWS of a run.
	$(BIN)/python tests/perf/scale.py runs/scale --rows $(ROWS)

lint: install $(SCRIPTS)  ## Check style, types and spelling.
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/codespell
ifdef NODE
	cd tests/js && npm run -s lint
else
	@echo "SKIPPED: lint of templates/static/*.js, because Node.js and npm are missing."
endif

format: install $(SCRIPTS)  ## Put the code in the house style.
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(if $(NODE),cd tests/js && npm run -s format)

container:  ## Build the container image; try it with one folder writable and no network.
	$(ENGINE) build -t almbench .
	mkdir -p runs/container
	$(APART) run quick
	$(APART) site runs/quick -o public

languages: install  ## Bring the pages' catalogues to their texts, and list what is not translated.
	$(BIN)/python -m tests.site.catalogue

docs: install  ## Build the documentation, warnings as errors, in docs/_build.
	$(BIN)/sphinx-build -W --keep-going -q docs docs/_build

install: $(VENV)/installed-$(FILES)  ## Make or refresh the environment in .venv.

$(VENV)/dependencies: pyproject.toml constraints.txt Makefile
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "almbench needs Python 3.11 or newer")'
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV); the first time takes some minutes ..."
ifeq ($(TORCH),cpu)
	@$(PIP) $(CPU_INDEX) torch || echo "PyTorch for the CPU is not to be had; pip's own index is asked."
endif
	$(PIP) -e '.[all,docs,dev]'
	# What tests compare with; the dependencies that it declares are obsolete.
	$(PIP) --no-deps resemblyzer==0.1.4
	rm -f $(VENV)/installed-*
	touch $@ $(VENV)/linked

$(VENV)/installed-$(FILES): $(VENV)/dependencies
	rm $(VENV)/linked 2>/dev/null || $(PIP) --no-deps -e .
	rm -f $(VENV)/installed-*
	touch $@

tests/js/node_modules/.package-lock.json: tests/js/package-lock.json
	cd tests/js && npm ci --no-fund --no-audit --loglevel=error
	touch $@

clean:  ## Remove the environment, builds, runs and pages.
	rm -rf $(VENV) $(LOWEST) build dist *.egg-info runs public docs/_build docs/reference tests/js/node_modules
