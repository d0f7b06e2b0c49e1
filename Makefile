# Each target does all the set-up it needs. SYSTEM_SITE=1 uses the torch that is already there (a GPU build).
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.ready-$(shell cat pyproject.toml constraints.txt | cksum | cut -d' ' -f1)
WORKERS ?= auto

.PHONY: setup compare test lint bench verify experiments clean

setup: $(STAMP)

ifeq ($(SYSTEM_SITE),1)
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c "import torch" || { echo "SYSTEM_SITE=1 needs a torch that is already installed"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv --system-site-packages .venv
	grep -v -i -E '^(torch|triton|nvidia.*|numpy)==' constraints.txt > .venv/constraints.txt
	echo "torch==$$($(PYTHON) -c 'import torch; print(torch.__version__)')" >> .venv/constraints.txt
	$(BIN)/python -m pip install --quiet -c .venv/constraints.txt -e '.[dev]'
	rm -f .venv/.ready-* && touch $@
else
$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	rm -f .venv/.ready-* && touch $@
endif

compare: setup
	$(BIN)/slt-bias compare --out runs/compare

test: setup lint
	$(BIN)/python -m pytest -n $(WORKERS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	$(BIN)/python benchmarks/networks.py
	$(BIN)/python benchmarks/families.py
	$(BIN)/python benchmarks/complexity.py
	$(BIN)/python benchmarks/learning_coefficients.py
	$(BIN)/python benchmarks/probability.py
	$(BIN)/python benchmarks/superposition.py
	$(BIN)/python benchmarks/gpu.py

verify: setup
	$(BIN)/slt-bias verify

experiments: setup
	for script in valle_perez_2018 architectures certified_bits estimator_agreement learning_coefficients generic_points \
		sampler_comparison routes_to_lambda compression digits_training blind_spots_four_inputs figure_without_floor \
		lambda_against_probability bayes_against_training learning_curves ordered_and_chaotic halving_code; \
		do $(BIN)/python experiments/$$script.py || exit 1; done
	$(BIN)/slt-bias superposition all

clean:
	rm -rf .venv runs build *.egg-info
