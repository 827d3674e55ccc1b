# make demo    everything from nothing: environment, install, one translated photograph
# make test    the tests
# make check   linter, formatter, types
#
# The same by hand:
#   python3 -m venv .venv
#   .venv/bin/pip install -c constraints.txt -e '.[dev]'
#   .venv/bin/ugatit translate examples/hopper.jpg -o demo/hopper.jpg
#   .venv/bin/pytest
#
# Another Python: make demo PYTHON=python3.12

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
WORKERS ?= 2

.PHONY: demo test check clean

demo: $(INSTALLED)
	@mkdir -p demo
	$(BIN)/ugatit translate examples/hopper.jpg -o demo/hopper.jpg --compare --overwrite
	@echo "The drawing: $(CURDIR)/demo/hopper.jpg"

test: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n $(WORKERS)

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(INSTALLED): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "error: there is no $(PYTHON) here"; echo "hint: install Python 3.11 or newer, or name yours: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: $$($(PYTHON) --version) is too old, 3.11 or newer is needed"; echo "hint: name a newer one if you have it: make PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { echo "error: $(PYTHON) cannot make a virtual environment"; echo "hint: on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "Installing; torch is large, so the first time takes a minute or more."
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

clean:
	rm -rf .venv demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage htmlcov
