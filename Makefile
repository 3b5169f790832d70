# Everything starts here. Each target sets up what it needs: a virtual environment from the lock files, made once and
# made anew when they change.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SITE := .venv-site
# Arguments for the command that a target runs, for example: make serve ARGS="--workers 1"
ARGS ?=
# Processes of tests: one more than there are cores, because tests wait for servers, disks and times that run out.
# Where quick tests, none of which is about what a disk keeps, have their folders: in memory if there is enough.
FOLDERS ?= $(shell test -w /dev/shm && df -Pk /dev/shm | awk 'END { if ($$4 > 4000000) print "TMPDIR=/dev/shm" }')
TESTERS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))

.DEFAULT_GOAL := help
.PHONY: help install serve test test-quick test-long lint bench fuzz lock docs site pictures coverage dist image clean

help: ## what can be made
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

install: $(VENV)/.made ## the virtual environment, with the command orlop in it

serve: install ## a registry on localhost:5000; its first start shows how to sign in
	exec $(BIN)/orlop serve $(ARGS)

test: install ## every test; what is missing beside Python is skipped, unless ORLOP_TEST_REQUIRE=all
	$(BIN)/pytest -n $(TESTERS) --dist loadscope --no-loadscope-reorder $(ARGS)

test-quick: install ## the tests that need nothing but Python and little time
	$(FOLDERS) $(BIN)/pytest -q -m "not slow" -n $(TESTERS) --dist loadscope --no-loadscope-reorder $(ARGS)

test-long: install ## faults, replicas, models and the largest blob at the volumes of the long run, for some hours; what it saw goes to long.jsonl
	ORLOP_TEST_LONG=1 $(BIN)/pytest -q tests/faults tests/replicas tests/model tests/deploy tests/api/test_configuration.py \
		tests/clients/test_large_blob.py $(ARGS)

lint: install ## style, types, and the floors of the architecture
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install ## Orlop beside other registries; writes bench/results.md
	$(BIN)/python -m bench $(ARGS)

fuzz: $(VENV)/.made-fuzz ## every parser against random bytes; ARGS="manifest -max_total_time=600" for one of them
	$(BIN)/python -m tests.fuzz $(ARGS)

docs: install ## the pages that are written by the program
	$(BIN)/python -m orlop.config.reference > docs/configuration.md
	$(BIN)/python -m orlop.faces.cli.management.reference > docs/settings.md

site: $(SITE)/.made ## docs/ as a site, in dist/site; fails where a link leads nowhere
	$(SITE)/bin/python -m deploy.site --into dist/site $(ARGS)

pictures: install ## the pictures of the pages in docs/, taken anew
	ORLOP_TEST_PICTURES=1 $(BIN)/pytest -q tests/ui/test_story.py

# The time of the last commit, rather than now: the same commit gives the same bytes.
EPOCH := $(shell git log -1 --format=%ct 2>/dev/null || date +%s)

dist: install ## the wheel and the sdist, in dist/
	rm -f dist/orlop-*.whl dist/orlop-*.tar.gz
	SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$(EPOCH)} $(BIN)/python -m hatchling build -d dist

# Where packages of Debian come from; a mirror of an older day gives the image of that day.
MIRROR ?= http://deb.debian.org/debian
SECURITY_MIRROR ?= http://deb.debian.org/debian-security

image: dist ## the container image, as a layout in dist/image and archives for docker load; ARGS="--platform amd64" for one platform
	SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$(EPOCH)} $(BIN)/python -m deploy.image \
		--mirror $(MIRROR) --security-mirror $(SECURITY_MIRROR) $(ARGS)

coverage: install ## which lines the quick tests run
	$(BIN)/coverage run -m pytest -q -m "not slow" $(ARGS)
	$(BIN)/coverage report

# Hashes and no addresses: packages come from whatever registry pip and uv are configured for.
LOCK := UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url

lock: install ## the lock files, from pyproject.toml
	$(LOCK) $(ARGS) pyproject.toml -o requirements/run.txt
	$(LOCK) $(ARGS) pyproject.toml --group dev -o requirements/dev.txt
	$(LOCK) $(ARGS) --group fuzz -o requirements/fuzz.txt
	$(LOCK) $(ARGS) --group site -o requirements/site.txt
	$(LOCK) $(ARGS) tests/clients/requirements.in -o tests/clients/requirements.txt
	echo uv | $(LOCK) $(ARGS) - -o requirements/uv.txt

clean: ## the virtual environment and what tools left behind
	rm -rf $(VENV) $(SITE) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage dist

$(VENV)/bin/uv: requirements/uv.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Orlop needs Python 3.11 or later")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	touch $@

$(VENV)/.made: $(VENV)/bin/uv requirements/dev.txt pyproject.toml
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip sync --quiet --require-hashes requirements/uv.txt requirements/dev.txt
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

# In an environment of its own: what makes pages shall not decide what Orlop may be installed with.
$(SITE)/.made: $(VENV)/bin/uv requirements/site.txt
	test -x $(SITE)/bin/python || $(PYTHON) -m venv --without-pip $(SITE)
	VIRTUAL_ENV=$(SITE) $(BIN)/uv pip sync --quiet --require-hashes requirements/site.txt
	touch $@

$(VENV)/.made-fuzz: $(VENV)/.made requirements/fuzz.txt
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --require-hashes -r requirements/fuzz.txt
	touch $@
