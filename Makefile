# make run     set up what is missing, then run the example application
# make test    set up what is missing, then run every check, and the tests on each of 3.11, 3.12 and 3.13 that is found
# make test-this    the same, on one Python only
# make lint, make types, make format: one part of it. make dist: the files to publish. make clean.
# make reference    write the page of public names from the sources
# make docs    build the documentation site into build/site, and look whether it is whole (part of make test)
# make bench    measure, beside floors and peers, on each of 3.11, 3.12 and 3.13 that is found: prints tables, and writes
#               them and JSON to build/bench. make bench-this: on one Python only. make bench-all: more peers
#               make bench-this SUBJECTS="instances lookups" ROUNDS=10 BENCH_PYTHON=python3.13: some of it
# make bench-docs    put what was measured last into the docs: tables, and pictures
# make bench-check    count calls, opcodes and memory: fails if one has grown by more than 5 % (part of make test)
# make bench-record   the same counts become what is recorded, on each of 3.11, 3.12 and 3.13 that is found
# make golden  writes the texts of tests/misuse and tests/terminal anew: their diff is what to read
# make notebook    run the notebook of the examples, and write what its cells print into it
# make memory CYCLES=100000: instances come and go, and leave nothing behind
# make model EXAMPLES=1000000: random plans and failures against the model, as many as there is time for
# make mutations: the runtime broken on purpose in many ways; a test must notice each time (ten minutes)
#
# Another Python, side by side:  make test-this PYTHON=python3.13 VENV=.venv-3.13
# Once set up, nothing here needs the network.

PYTHON ?= python3
VENV ?= .venv
PIP_VERSION := 26.3# the first pip that is known here to do all we ask: --group, offline reinstalls

BIN := $(VENV)/bin
PY := $(BIN)/python -P
PIP := $(PY) -m pip --disable-pip-version-check --quiet
HOST := examples/inspect/host
PLUGINS := examples/inspect/plugins
MORE := examples/inspect/more
WEB := examples/web
CODE := $(wildcard src tests examples benchmarks docs/*.py)

# The environment belongs to one version of Python: with another one it is made anew.
PYTHON_VERSION := $(shell $(PYTHON) -c 'import platform; print(platform.python_version())')
STAMPS := $(VENV)/stamps/$(PYTHON_VERSION)

# What is measured runs in environments of its own, for each Python. `PEERS` is the group of those that live beside ours.
PEERS ?= bench-peers
BENCH_PYTHON ?= $(PYTHON)
BENCH_VERSION := $(shell $(BENCH_PYTHON) -c 'import platform; print(platform.python_version())')
BENCH_ENV := $(VENV)-bench/$(basename $(BENCH_VERSION))$(PEERS:bench-peers%=%)
RUST_ENV := $(VENV)-bench/$(basename $(BENCH_VERSION))-rust
BENCH_STAMPS := $(BENCH_ENV)/stamps/$(BENCH_VERSION)
RUST_STAMPS := $(RUST_ENV)/stamps/$(BENCH_VERSION)

# The site is built by an environment of its own, which has nothing of ours in it.
SITE_ENV := $(VENV)-docs
SITE_STAMPS := $(SITE_ENV)/stamps/$(PYTHON_VERSION)

# Folders are listed too: their time changes when a file in them comes or goes.
files = $(shell find $(1) -name __pycache__ -prune -o -print)

# What is done with each other Python that is found: $(call on_each_python,WHAT IS TOLD OF ONE THAT IS NOT,COMMANDS).
on_each_python = $(PYTHON) tests/pythons.py | while read version python; do \
	if test -z "$$python"; then echo "Python $$version is not found: $(1)"; continue; fi; \
	{ $(2); } </dev/null || exit 1; done
ITS_OWN = PYTHON="$$python" VENV="$(VENV)-$$version"

# Nothing but what is installed shall be found, and pyright shall not ask whether there is a newer one.
unexport PYTHONPATH PYTHONHOME PYRIGHT_PYTHON_FORCE_VERSION
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
export PYRIGHT_PYTHON_CACHE_DIR := $(abspath $(VENV))/pyright

.NOTPARALLEL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help run test test-this pytest lint types format reference docs dist clean model bench bench-this bench-all \
	bench-one bench-docs bench-check bench-record bench-record-this mutations golden memory notebook

help:
	@sed -n '1,/^$$/s/^# \{0,1\}//p' Makefile

run: $(STAMPS)/ours $(STAMPS)/examples
	@$(BIN)/hyperion run examples/inspect/app.toml

test: lint types docs
	@$(PYTHON) tests/side_by_side.py $(VENV) $(MAKE) --no-print-directory pytest

test-this: lint types docs pytest

pytest: $(STAMPS)/examples $(STAMPS)/web $(STAMPS)/dev
	@$(PY) -m pytest

lint: $(STAMPS)/dev
	@$(BIN)/ruff check $(CODE)
	@$(BIN)/ruff format --check $(CODE)

types: $(STAMPS)/dev $(STAMPS)/ours
	@$(PY) -m mypy
	@$(PY) -m pyright --pythonpath $(BIN)/python

EXAMPLES ?= 10000

model: $(STAMPS)/dev $(STAMPS)/ours
	@HY_EXAMPLES=$(EXAMPLES) $(PY) -m pytest tests/test_model.py --timeout=0

reference: $(STAMPS)/dev $(STAMPS)/ours
	@$(PY) docs/make_reference.py

docs: build/site.built $(STAMPS)/dev
	@$(PY) -m pytest --quiet docs/test_site.py

# All of it each time: what was warned about is warned about again, and a page that is gone is gone.
build/site.built: $(filter-out docs,$(call files,docs)) $(wildcard *.md examples/*/README.md) LICENSE $(SITE_STAMPS)/tools
	@rm -rf build/site
	$(start)
	@$(SITE_ENV)/bin/python -P -m sphinx --quiet --fail-on-warning --fresh-env --conf-dir docs \
		--doctree-dir build/site-doctrees . build/site
	$(done)

ROUNDS ?= 50
SUBJECTS ?=
BENCH := $(BIN)/python -m benchmarks

bench: $(STAMPS)/ours
	@$(MAKE) --no-print-directory bench-one
	@$(call on_each_python,not measured with it,$(MAKE) --no-print-directory bench-one BENCH_PYTHON="$$python")
	@$(BENCH).goals

bench-this: $(STAMPS)/ours bench-one
	@$(BENCH).goals

bench-all:
	@$(MAKE) --no-print-directory bench PEERS=bench-peers-all

bench-one: $(BENCH_STAMPS)/ours $(RUST_STAMPS)/peers
	@$(BENCH_ENV)/bin/python -m benchmarks --rounds $(ROUNDS) $(if $(PEERS:bench-peers=),--all-peers) --rust $(RUST_ENV)/bin/python $(SUBJECTS)

bench-docs: $(STAMPS)/ours
	@$(BENCH).docs

bench-check: $(STAMPS)/ours
	@$(BIN)/python -m benchmarks.counts

bench-record:
	@$(call on_each_python,its counts stay as they are,$(MAKE) --no-print-directory bench-record-this $(ITS_OWN))
	@$(MAKE) --no-print-directory bench-record-this

bench-record-this: $(STAMPS)/ours
	@$(BIN)/python -m benchmarks.counts --record

JOBS ?= 2

mutations: $(STAMPS)/dev $(STAMPS)/examples
	@$(PY) tests/mutate.py --jobs $(JOBS)

golden: $(STAMPS)/dev $(STAMPS)/ours
	@HY_GOLDEN=1 $(PY) -m pytest tests/test_misuse.py tests/test_profile.py tests/test_terminal.py

notebook: $(STAMPS)/dev $(STAMPS)/ours
	@$(PY) examples/notebook/execute.py

CYCLES ?= 10000

memory: $(STAMPS)/dev $(STAMPS)/ours
	@HY_CYCLES=$(CYCLES) $(PY) -m pytest tests/test_memory.py --timeout=0 -s

format: $(STAMPS)/dev
	@$(BIN)/ruff check --fix $(CODE)
	@$(BIN)/ruff format $(CODE)

dist: $(STAMPS)/run
	@rm -rf dist
	@$(PY) -m hatchling build

clean:
	rm -rf $(VENV) $(VENV)-3.* $(VENV)-bench $(VENV)-docs build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

# A stamp's time is that of the start of its work: what is changed meanwhile makes it stale again.
start = @mkdir -p $(@D) && touch $@.new
done = @mv $@.new $@

$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	@echo 'Setting up $(VENV) (once) ...'
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@mkdir -p $(@D) && touch $@

$(STAMPS)/run: pyproject.toml Makefile $(STAMPS)/venv
	$(start)
	@$(PIP) install pip==$(PIP_VERSION)
	@$(PIP) install --group run
	$(done)

$(STAMPS)/dev: pyproject.toml Makefile $(STAMPS)/run
	$(start)
	@$(PIP) install --group dev
	$(done)

# Built and installed as a stranger would get it, so that a file missing in the wheel is missing in the tests.
INSTALL := $(PIP) install --no-index --no-deps --no-build-isolation --force-reinstall

$(STAMPS)/ours: pyproject.toml LICENSE $(wildcard README.md) $(call files,src) $(STAMPS)/run
	$(start)
	@$(INSTALL) .
	$(done)

$(STAMPS)/examples: $(call files,$(HOST) $(PLUGINS) $(MORE)) | $(STAMPS)/ours
	$(start)
	@$(INSTALL) ./$(HOST) ./$(PLUGINS) ./$(MORE)
	$(done)

$(STAMPS)/web: $(WEB)/pyproject.toml $(call files,$(WEB)/src) | $(STAMPS)/ours
	$(start)
	@$(INSTALL) ./$(WEB)
	$(done)

# One without pip, which our own fills: $(call empty_environment,FOLDER,PYTHON), where its stamp lies.
define empty_environment
@echo 'Setting up $(1) (once) ...'
@rm -rf $(1)
$(start)
@$(2) -m venv --without-pip $(1)
endef

$(SITE_STAMPS)/tools: pyproject.toml Makefile $(STAMPS)/run
	$(call empty_environment,$(SITE_ENV),$(PYTHON))
	@$(PIP) --python $(SITE_ENV)/bin/python install --group docs
	$(done)

# Without its version the folder below would be that of all environments, which is emptied first.
bench_python_is_found = $(if $(BENCH_VERSION),,$(error BENCH_PYTHON=$(BENCH_PYTHON) is not found))

# The peers, and ours beside them, in an environment with nothing else that could be found or imported.
$(BENCH_STAMPS)/peers: pyproject.toml Makefile $(STAMPS)/run
	$(bench_python_is_found)
	$(call empty_environment,$(BENCH_ENV),$(BENCH_PYTHON))
	@$(PIP) --python $(BENCH_ENV)/bin/python install --group $(PEERS)
	$(done)

$(BENCH_STAMPS)/ours: LICENSE $(wildcard README.md) $(call files,src) $(BENCH_STAMPS)/peers
	$(start)
	@rm -rf build/bench/wheel
	@$(PIP) wheel --no-index --no-deps --no-build-isolation --wheel-dir build/bench/wheel .
	@$(PIP) --python $(BENCH_ENV)/bin/python install --no-index --no-deps --force-reinstall build/bench/wheel/*.whl
	$(done)

# The Rust build has our import name. It is not published for every system: without it the tables say so.
$(RUST_STAMPS)/peers: pyproject.toml Makefile $(STAMPS)/run
	$(bench_python_is_found)
	$(call empty_environment,$(RUST_ENV),$(BENCH_PYTHON))
	@if $(PIP) --python $(RUST_ENV)/bin/python install --only-binary hypi --group bench-rust; then mv $@.new $@; \
		else echo 'The Rust build cannot be installed: measured without it'; fi
