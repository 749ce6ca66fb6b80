# Assay. `make demo` and `make test` are the two commands to know; they install what they need.
# Everything is built by CMake into build/, and Python lives in .venv; nothing else is touched.

SHELL := /bin/bash
.DEFAULT_GOAL := help
VENV := .venv
PYTHON := $(VENV)/bin/python
GENERATE := cmake -G Ninja -S .
SYSTEM_PACKAGES := build-essential clang cmake ninja-build pkg-config libclang-rt-14-dev llvm-14 libgmp-dev libpcre2-dev libsodium-dev \
  libsqlite3-dev libssl-dev libxxhash-dev python3 python3-dev python3-venv valgrind
PKG_NAMES := sqlite3 libsodium libxxhash gmp libcrypto libpcre2-8

.PHONY: help deps venv install demo test check bench bench-peers bench-changes fuzz lint clean

help: ## what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

deps: ## system packages (needs root; says so)
	@if command -v cmake ninja clang gcc pkg-config valgrind >/dev/null && pkg-config --exists $(PKG_NAMES) 2>/dev/null \
	    && python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	    && test -e "$$(python3 -c 'import sysconfig; print(sysconfig.get_paths()["include"])')/Python.h"; then exit 0; fi; \
	if ! command -v apt-get >/dev/null; then \
	    echo "make deps: this system has no apt-get; install by hand: $(SYSTEM_PACKAGES)" >&2; exit 1; fi; \
	if [ "$$(id -u)" = 0 ]; then as_root=; elif command -v sudo >/dev/null; then as_root=sudo; else \
	    echo "make deps: needs root to install packages; run as root: apt-get install $(SYSTEM_PACKAGES)" >&2; exit 1; fi; \
	echo "make deps: installing system packages: $(SYSTEM_PACKAGES)"; \
	$$as_root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$as_root apt-get install -y -qq --no-install-recommends $(SYSTEM_PACKAGES)

$(PYTHON): | deps
	python3 -m venv $(VENV)
	$(PYTHON) -m pip install -q --upgrade pip

# Installed anew whenever a source of the wheel changed.
SOURCES := $(shell find engine http server python -name '*.[ch]' -o -name '*.py' -o -name '*.toml' 2>/dev/null | grep -v __pycache__) \
  CMakeLists.txt pyproject.toml
$(VENV)/.installed: $(SOURCES) | $(PYTHON)
	$(PYTHON) -m pip install -q '.[test,lint,models]' || $(PYTHON) -m pip install -q '.[test,lint]' # without the frameworks: their tests skip
	@touch $@

install: $(VENV)/.installed ## the module, the assay command and the server, into .venv

demo: install ## generate, train, serve and post payments: the whole way, in a minute or two
	$(PYTHON) examples/cards/demo.py

unit: | deps
	$(GENERATE) -B build/unit -DASSAY_TESTS=ON >/dev/null
	cmake --build build/unit
	ctest --test-dir build/unit --output-on-failure --progress

# More processes than cores: many tests wait for servers and disks.
TEST_PROCESSES ?= 4
test: install unit ## the tests that every change must pass
	$(PYTHON) -m pytest -n $(TEST_PROCESSES)

.PHONY: models-oracle
models-oracle: install ## 200 generated models a framework x 2,000 rows: the engine's answers against the framework's own
	$(PYTHON) tests/models_oracle.py

.PHONY: text-oracle
ORACLE ?=
text-oracle: install ## the tokenizers' ids against the package's own: over 200 tokenizer.json files x 20,000 strings; ORACLE="--help"
	$(PYTHON) tests/text_oracle.py $(ORACLE)

.PHONY: differential
DIFFERENTIAL ?=
differential: install ## 2,000,000 calls of random functions, in the engine and in CPython; DIFFERENTIAL="--cases 50000 --seed 7"
	$(PYTHON) tests/made_functions.py $(DIFFERENTIAL)

.PHONY: vectorize-oracle
vectorize-oracle: install ## text.vectorize against scikit-learn: generated settings x generated texts; ORACLE="--rounds 5", "--help"
	$(PYTHON) -W ignore tests/vectorize_oracle.py $(ORACLE)

.PHONY: proof-windows
PROOF ?=
proof-windows: install ## a million events, served by eight connections at once, come out of the journal bit for bit; PROOF="--events 20000"
	$(PYTHON) tools/proof_windows $(PROOF)

# The slower tier: sanitizers with both compilers, fuzz smoke, then the tests above.
check: lint ## sanitizers (gcc and clang), thread sanitizer, fuzz targets for a minute each, then `make test`
	$(MAKE) sanitize
	$(MAKE) fuzz
	ASSAY_FRESH=1 $(MAKE) test

.PHONY: sanitize unit
sanitize: | deps
	for compiler in gcc clang; do \
	  CC=$$compiler $(GENERATE) -B build/asan-$$compiler -DASSAY_TESTS=ON -DASSAY_SANITIZE=address,undefined >/dev/null && \
	  cmake --build build/asan-$$compiler && \
	  ASAN_OPTIONS=detect_leaks=1 ctest --test-dir build/asan-$$compiler --output-on-failure || exit 1; done
	CC=clang $(GENERATE) -B build/tsan -DASSAY_TESTS=ON -DASSAY_SANITIZE=thread >/dev/null
	cmake --build build/tsan
	ctest --test-dir build/tsan --output-on-failure

FUZZ_SECONDS ?= 60
.PHONY: corpus-page
corpus-page: ## docs/corpus.md and tests/not-native.txt, as `assay check` says it of tests/corpus
	$(PYTHON) tools/corpus_page.py --write

fuzz: | deps ## every fuzz target from its corpus, FUZZ_SECONDS each
	CC=clang $(GENERATE) -B build/fuzz -DASSAY_FUZZ=ON -DASSAY_SANITIZE=address,undefined >/dev/null
	cmake --build build/fuzz
	tools/fuzz build/fuzz $(FUZZ_SECONDS)

bench: install bench-counts ## benchmarks beside what they measure
	$(GENERATE) -B build/bench >/dev/null
	cmake --build build/bench --target benchmarks
	tools/bench build/bench

bench-counts: install ## instructions a payment, by stage, against bench/counts.json: a rise above 3% fails without a note
	@$(GENERATE) -B build/bench >/dev/null
	@cmake --build build/bench --target score_bench text_bench >/dev/null
	$(PYTHON) bench/counts.py

# What a peer needs (the Rust one: cargo) its own build says; nothing else here needs it.
PEERS ?=
bench-peers: install ## Assay beside its peers over HTTP, into bench/RESULTS.md; PEERS="--quick" for a short try, "--help"
	$(PYTHON) bench/peers.py $(PEERS)

TEXT ?=
.PHONY: bench-text
bench-text: install ## the tokenizers beside Rust's and others, and hostile text, into bench/RESULTS.md; TEXT="--own", "--help"
	$(PYTHON) bench/text.py $(TEXT)

.PHONY: bench-vectorize
bench-vectorize: install ## text.vectorize beside scikit-learn, into bench/RESULTS.md; VECTORIZE="--help"
	$(GENERATE) -B build/bench >/dev/null
	cmake --build build/bench --target vectorizer_bench >/dev/null
	$(PYTHON) bench/vectorize.py $(VECTORIZE)

# The same peers, changed: five feature requests in each of them.
CHANGES ?=
bench-changes: install ## what a change costs in Assay and in its peers: lines, files, seconds to live; CHANGES="--help"
	$(PYTHON) bench/changes.py $(CHANGES)

lint: install ## ruff, mypy, and the rules of the house
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	cd bench && MYPYPATH=. ../$(VENV)/bin/mypy --config-file ../pyproject.toml *.py
	$(PYTHON) tools/house.py

clean: ## removes build/ and .venv
	rm -rf build $(VENV)
