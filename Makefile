# make book · make test · make lab: each makes the virtual environment first, if it is not there.
PYTHON ?= python3
JOBS ?= 2
BIN := .venv/bin
READY := .venv/ready

.PHONY: book test slow linkcheck lab bench chapters full stamp requirements clean

# All pages each time: the sitemap names those that were written.
book: $(READY)
	$(BIN)/jupyter-book build . --all -W --keep-going -n
	@echo
	@echo "The book stands. Open file://$(CURDIR)/_build/html/index.html"

# One thread a worker: two workers that each start two threads on two cores wait for one another.
test: export OMP_NUM_THREADS = 1
test: export COLORIZE_SCALE = quick
# Chapters train from the start here, not from what an earlier run left in the user's cache.
test: export COLORIZE_CACHE = $(CURDIR)/_build/cache
test: book
	rm -rf _build/cache
	$(BIN)/python -m pytest tests book --nbval-lax --nbval-current-env -n $(JOBS) --dist loadscope

# The tests marked slow: every night, and before something is published.
slow: $(READY)
	$(BIN)/python -m pytest tests -m slow -n $(JOBS)

# Whether the external links answer; what is asked, and how patiently, stands in _config.yml.
linkcheck: $(READY)
	$(BIN)/jupyter-book build . --all --builder linkcheck

lab: $(READY)
	$(BIN)/jupyter lab book

# Run chapters afresh and store their outputs: make chapters, or make chapters ONLY=book/01-rgb-and-lab.ipynb
chapters: $(READY)
	$(BIN)/python tools/run_chapters.py $(ONLY)

# Every result is a training or a study of its name: make results/pix2pix.json. What is there is not
# made again; remove it first. make full makes what is missing and runs all chapters at full scale.
# Photographs: COLORIZE_PHOTOS=photos/:more/, or MORE="--also landscapes --small small.tar" for other
# options. For a GPU; interrupted, the same command goes on. To see that all goes through: TRIAL=1.
TRAINED := autoencoder-l1 residual-autoencoder fusion-efficientnet-lite fusion-silenced unet-squeezenet \
    unet-efficientnet-lite unet-efficientnet-lite-wide pix2pix wgan-gp unet-squeezenet-classes
STUDIED := compare-fusion compare-unet compare-ideas compare-photographs compare-default compare-games \
    compare-weights compare-losses landings probabilities color-counts evaluation public-test readings after-training
PHOTOS = $(foreach folder,$(subst :, ,$(COLORIZE_PHOTOS)),--data $(folder)) $(MORE)

full: export COLORIZE_SCALE = full
full: export COLORIZE_LOAD = 1
full: export COLORIZE_RUNS = $(CURDIR)/runs
full: $(patsubst %,results/%.json,$(TRAINED) $(STUDIED))
	$(BIN)/python tools/run_chapters.py

$(TRAINED:%=results/%.json): results/%.json: | $(READY)
	$(BIN)/colorize train $* --folder runs/$* $(PHOTOS) $(if $(TRIAL),--at-most-size 32 --at-most-epochs 1)
	$(BIN)/python tools/store_model.py runs/$*

results/%.json: | $(READY)
	$(BIN)/python studies/$(subst -,_,$*).py $(PHOTOS) $(if $(TRIAL),--seeds 1)

# What starts from other weights, or compares them, comes after them.
$(patsubst %,results/%.json,pix2pix wgan-gp unet-squeezenet-classes compare-games \
    compare-losses): | results/unet-squeezenet.json
$(patsubst %,results/%.json,evaluation public-test readings after-training compare-weights): | $(TRAINED:%=results/%.json)

# Bring the address of pyproject.toml wherever it is needed. A fork: make stamp OWNER=your-name
stamp: $(READY)
	$(BIN)/python tools/stamp.py $(if $(OWNER),--owner $(OWNER)) $(if $(TAG),--tag $(TAG))

bench: $(READY)
	for script in benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

# Exact versions for Python 3.11 to 3.13 on every platform, from the lower bounds and requirements.in.
requirements: $(READY)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --no-emit-index-url --no-annotate \
	    --custom-compile-command "make requirements" --output-file requirements.txt \
	    pyproject.toml requirements.in

# The stamp is written last: an interrupted set-up starts again, a finished one is skipped.
$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))" || { \
	    echo "Python 3.11, 3.12 or 3.13 is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1)."; \
	    echo "Name one that you have: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $(READY)

clean:
	rm -rf _build
