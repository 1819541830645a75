# Needs only Python 3.11 to 3.13 (Debian and Ubuntu: with python3-venv) and make.
#   make PYTHON=python3.12 ...   use that Python
#   make INSTALLER=pip ...       install without uv
#   make test T=tests/rules      only these tests
#   make test JOBS=0             one after the other, in one process
#   make run ARGS="--port 8080"  pass options on
#   make soak MINUTES=90 SEED=7  longer, and under other faults

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help install run demo test lint soak soak-guards soak-orders soak-lives alerts rabbit bench translations screenshots format secrets clean

BIN := .venv/bin
T ?=
JOBS ?= 3
ARGS ?=
export PYTHON INSTALLER
# Where the machine forbids bytecode, every process starts in 2.4 seconds instead of 1, and the tests start hundreds.
unexport PYTHONDONTWRITEBYTECODE

help: ## show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

install: ## make .venv and install what uv.lock names; does nothing when that is done
	@sh scripts/bootstrap

run: install ## start everything with a demo clinic and print the address; Ctrl-C ends it
	@$(BIN)/aftercare up --demo $(ARGS)

demo: install ## play a clinic's six weeks in about a minute
	@$(BIN)/aftercare demo $(ARGS)

test: install ## run all tests that this machine can run
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup --no-loadscope-reorder $(T) $(ARGS)

lint: install ## check format, lint, types and layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

soak: install ## shake the whole house for MINUTES=10 under the faults of SEED=1, and count what went wrong
	@$(BIN)/python -m tests.soak --minutes $${MINUTES:-10} --seed $${SEED:-1} $(ARGS)

soak-guards: install ## take our guards out, one after the other, and see that the soak notices
	@$(BIN)/python -m tests.soak.guards $(ARGS)

soak-orders: install ## play twenty times as many orders of steps for P2, and a burst of 10,000 webhooks
	@SCHEDULES=$${SCHEDULES:-20} WEBHOOKS=$${WEBHOOKS:-10000} \
		$(BIN)/python -m pytest tests/interleaving tests/processes/test_burst.py $(ARGS)

soak-lives: install ## play LIVES=40 times as many random lives of a consent, a course, a calendar and a desk, new ones each time
	@LIVES=$${LIVES:-40} $(BIN)/python -m pytest -n $(JOBS) --dist worksteal \
		$$(grep -rl --include='test_*.py' 'tests.lives import' tests) $(ARGS)

alerts: install ## cause every alert with real parts under a real Prometheus, and walk through its runbook entry
	@$(BIN)/python -m tests.alerts $(ARGS)

rabbit: install ## send by way of a real RabbitMQ, kill it and a worker, and count what rang
	@$(BIN)/python -m tests.rabbit $(ARGS)

bench: install ## measure how much the senders can do on this machine
	@$(BIN)/python -m tests.bench $(ARGS)

translations: install ## collect the interface's words and compile their translations
	@$(BIN)/python scripts/translations.py $(ARGS)

screenshots: install ## write a picture of every page, light and dark, wide and narrow, into var/screenshots (needs a Chromium)
	@$(BIN)/python -m tests.browser.pictures var/screenshots $(ARGS)

format: install ## put the code into its format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

secrets: install ## make the secrets that docker-compose.yml reads; keeps those that exist
	@$(BIN)/python scripts/make_secrets.py secrets

clean: ## remove .venv and all caches; your data in var/ stay
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
