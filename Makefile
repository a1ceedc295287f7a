SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := .venv/bin
SPANS ?= 1-3
USE_CASE ?= taxi

.PHONY: help setup lock data run serve test test-fuzz test-kill test-containers test-flink image bench bench-full replay docs lint clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

.venv/.ready: requirements/dev.txt requirements/uv.txt requirements/setup.sh setup.py
	@requirements/setup.sh

setup: .venv/.ready ## Build .venv from the hashed lock (Python 3.11 and a C compiler are needed)

lock: setup ## Resolve requirements/*.in again into the hashed locks
	@requirements/lock.sh $(CURDIR)/$(BIN)/uv

data: setup ## Cut the source of a use case into spans (USE_CASE=taxi)
	@$(BIN)/evergreen data prepare -u $(USE_CASE)

run: data ## Run the whole pipeline on the first three spans (USE_CASE=taxi, SPANS=1-4 for more)
	@$(BIN)/evergreen run -u $(USE_CASE) --spans $(SPANS)

serve: setup ## Serve a use case's model by TensorFlow Serving's API, on 127.0.0.1 (USE_CASE=taxi)
	@$(BIN)/evergreen serve -u $(USE_CASE)

test: setup ## Run the tests
	@$(BIN)/pytest -n 3 --dist loadscope --no-loadscope-reorder # long ones first; some only wait

test-fuzz: setup ## Run the tests with hostile inputs on ten times the cases (about 10 minutes)
	@EVERGREEN_TEST_FUZZ=10 $(BIN)/pytest -m fuzz -n 2 --timeout 900 tests/unit tests/integration

test-kill: setup ## Kill a run in every node, three times, and resume it each time (about 8 minutes)
	@EVERGREEN_TEST_KILLS=3 $(BIN)/pytest tests/e2e/test_killed_run.py

test-containers: setup ## Build the image and test it in containers (root, podman, runc, debootstrap)
	@$(BIN)/pytest -o timeout_func_only=true tests/containers

test-flink: setup ## Run Beam-based nodes on a private Flink cluster, and compare (Java, Maven, Go)
	@tests/flink/run.sh

image: ## Build the image evergreen:<version> with podman or docker
	@deploy/image.sh $(IMAGE_ARGS)

replay: setup ## Replay past data, and compare retraining policies (USE_CASE=taxi: 20 minutes)
	@$(BIN)/evergreen replay -u $(USE_CASE)

BENCH := scale startup serving lineage dashboard monitoring controller

bench: setup ## Compare with stock TFX and others briefly, into var/bench/short (about 7 minutes)
	@for section in $(BENCH); do $(BIN)/python -m benchmarks $$section || exit; done

bench-full: setup ## Compare at length, up to 15 million rows, and write docs/benchmarks.md (about 3 hours)
	@for section in pipeline $(BENCH); do $(BIN)/python -m benchmarks $$section --full || exit; done

docs: setup ## Build the documentation and its reference pages into var/site, without a network
	@$(BIN)/python -m docs.reference.pages
	@$(BIN)/zensical build --strict --clean
	@echo "docs: built into var/site. Next: $(BIN)/zensical serve, which says where to look"

lint: setup ## Check style, types, layers and the structure of the platform
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m tests.structure

clean: ## Remove what runs and the site have made (var/, .cache/): metadata, artifacts, spans, pushed models
	@rm -rf var .cache
