# Everything a person or CI does, each from a bare clone: Python 3.10 to 3.13 and make, nothing else.
.DEFAULT_GOAL := help
# Which Python can only be asked in the shell: whatever is written in Python needs the answer first.
PYTHON ?= $(shell for p in python3.12 python3.11 python3.13 python3.10 python3 python; do \
	"$$p" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && { echo "$$p"; break; }; done)
VENV   := .venv
BIN    := $(VENV)/bin
LOCAL  := $(VENV)/.local
TERRAFORM ?= terraform
# The settings file of a deployment; the templates beside it are what is deployed.
SETTINGS  ?= infra/terraform/examples/minimal/terraform.tfvars
STACK     := $(patsubst %/,%,$(dir $(SETTINGS)))
DEV    := $(VENV)/.dev
export PYTHONPATH := $(CURDIR)/shared:$(CURDIR)
# Where an image sets it, each process would compile everything again: tests took twice as long to be collected.
unexport PYTHONDONTWRITEBYTECODE

$(VENV)/.uv: requirements/uv.txt
	@test -n "$(PYTHON)" && "$(PYTHON)" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' || { echo "Legible needs Python 3.10 to 3.13 on the PATH; \"$(PYTHON)\" is none. Name one: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@"$(PYTHON)" -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

# uv installs the locked set in seconds; where it has no way to the registry (a mirror in pip.conf), pip takes the same lock.
define install
	@echo "Installing the locked dependencies ($(1)) ..."
	@$(BIN)/uv pip install --quiet --require-hashes --python $(BIN)/python -r requirements/$(1).txt \
		|| $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/$(1).txt
	@touch $@
endef

$(LOCAL): requirements/local.txt $(VENV)/.uv
	$(call install,local)

# Programs that some tests need and no lock can bring, by the names of Debian's packages.
TOOLS := chromium chromium-driver libreoffice-calc
RUNTIMES := 3.10 3.12
axe := npm ci --prefix tests/console --ignore-scripts --no-audit --no-fund --silent

$(DEV): requirements/dev.txt tests/console/package-lock.json $(VENV)/.uv
	$(call install,dev)
	@command -v npm >/dev/null || { echo "No npm here: tests that need axe-core will be skipped; \`make tools\` installs it."; exit 0; }; \
		$(axe) || echo "npm could not install axe-core: the console's accessibility tests will be skipped."

.PHONY: help demo up package test test-all mutate tools audit bench simulate check house format lock docs fonts clean ready plan deploy destroy deploy-serverless providers
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

demo: $(LOCAL) ## recognize the sample documents on this machine, no account needed
	@$(BIN)/python -m legible_cli demo

up: $(LOCAL) ## keep the local cloud running; drop files into inbox/<operation>/
	@$(BIN)/python -m legible_cli up

package: $(LOCAL) ## dist/*.zip for FunctionGraph; OPTIONS="--runtime Python3.10 --heif --searchable --telemetry"
	@$(BIN)/python -m infra.package $(OPTIONS)

test: $(DEV) ## the tests and the coverage bar
	@$(BIN)/python -m pytest -n 4 --dist worksteal --cov --cov-report=term-missing:skip-covered -m "not slow"

test-all: $(DEV) ## the tests, the long ones too
	@$(BIN)/python -m pytest -n 3 --hypothesis-profile=default
	@$(BIN)/python -m tests.mutate

mutate: $(DEV) ## small faults in the code that keeps the promises, and which of them no test sees; MODULES="notices ledger/claim.py"
	@$(BIN)/python -m tests.mutate $(MODULES)

tools: $(DEV) ## Chromium, LibreOffice and the like: without them some tests are skipped, and say so
	@command -v apt-get >/dev/null || { echo "There is no apt-get here. Install by this system's own means: $(TOOLS) npm; on macOS, brew install --cask chromium chromedriver libreoffice, and brew install node." >&2; exit 1; }
	@as=; [ "$$(id -u)" = 0 ] || as=sudo; \
		$$as apt-get update -qq && $$as apt-get install --yes -qq --no-install-recommends $(TOOLS) $$(command -v npm >/dev/null || echo npm)
	@$(axe)
	@for v in $(RUNTIMES); do "python$$v" -c '' 2>/dev/null || [ -n "$$PYENV_ROOT" ] || $(BIN)/uv python install "$$v" \
		|| echo "No python$$v: tests that build its package will be skipped." >&2; done

# --strict: what cannot be looked up is a failure too. A mirror of the registry may know no weaknesses, and would say that of each.
audit: $(DEV) ## known weaknesses of what is locked: what ships, then what this machine and CI run; asks pypi.org
	@for lock in ship heif searchable telemetry local dev; do echo "requirements/$$lock.txt"; \
		$(BIN)/pip-audit --strict --require-hashes --disable-pip --progress-spinner off $(OPTIONS) -r requirements/$$lock.txt || exit 1; done

bench: $(DEV) ## what it costs, side by side in one run; OPTIONS="--part document"
	@$(BIN)/python -m bench $(OPTIONS)

simulate: $(DEV) ## deployments larger than a machine, by the product's own rules; OPTIONS="--documents 100000"
	@$(BIN)/python -m bench.simulation $(OPTIONS)

check: $(DEV) ## format, lint, types, import rules, docstrings, generated documents, the figures of the tree
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/interrogate -q shared functions infra docs || $(BIN)/interrogate -v shared functions infra docs
	@$(BIN)/python -m docs.generate --check
	@$(BIN)/python -m tests.house

house: $(DEV) ## the figures of the tree beside their bars
	@$(BIN)/python -m tests.house

format: $(DEV) ## format and mend what ruff can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

docs: $(DEV) ## write the generated documents again
	@$(BIN)/python -m docs.generate

RESOLVE := $(BIN)/uv pip compile --universal --python-version 3.10 --generate-hashes --quiet --no-header
lock: $(DEV) ## resolve the dependencies again
	@echo 'uv==0.13.9' | $(RESOLVE) --no-annotate - -o requirements/uv.txt
	@$(RESOLVE) --upgrade pyproject.toml -o requirements/ship.txt
	@$(RESOLVE) -c requirements/ship.txt --group local pyproject.toml -o requirements/local.txt
	@$(RESOLVE) -c requirements/local.txt --group dev pyproject.toml -o requirements/dev.txt
	@for group in heif searchable telemetry; do $(RESOLVE) -c requirements/local.txt --group $$group -o requirements/$$group.txt; done
	@$(RESOLVE) --no-deps --group fonts -o requirements/fonts.txt
	@printf 'setuptools\nwheel\n' | $(RESOLVE) --no-annotate - -o requirements/build.txt

FONTS := build/fonts
fonts: $(LOCAL) ## make the fallback fonts for PDFs again, as they are committed; some minutes, 30 MB of sources
	@$(BIN)/uv pip install --quiet --no-deps --require-hashes --python $(BIN)/python --target $(FONTS) -r requirements/fonts.txt
	@PYTHONPATH=$(FONTS):$(PYTHONPATH) $(BIN)/python -m infra.package.fallback_font $(FONTS)

$(SETTINGS):
	@echo "There is no $@. Copy $(STACK)/terraform.tfvars.example to it and fill it in." >&2; exit 1

# What is planned or made is what lies in dist/: a zip older than its sources is refused.
ready: $(SETTINGS)
	@"$(PYTHON)" -m infra.package.fresh

plan: ready $(LOCAL) ## what Terraform would make of $(SETTINGS); needs `make package` and HW_ACCESS_KEY, HW_SECRET_KEY
	@$(BIN)/python -m infra.deploy.plan --terraform "$(TERRAFORM)" $(SETTINGS)

deploy: ready $(LOCAL) ## make it, after asking
	@$(BIN)/python -m infra.deploy.plan --apply --terraform "$(TERRAFORM)" $(SETTINGS)

PLATFORMS := linux_amd64 linux_arm64 darwin_amd64 darwin_arm64 windows_amd64
providers: ## fix the provider's version and hashes for every platform, in a lock file beside the settings: commit it
	@$(TERRAFORM) -chdir=$(STACK) providers lock $(PLATFORMS:%=-platform=%)

destroy: $(SETTINGS) $(LOCAL) ## take it down, after asking, and list what remains by its tag
	@$(BIN)/python -m infra.deploy.destroy --terraform "$(TERRAFORM)" $(SETTINGS)

deploy-serverless: $(LOCAL) ## the functions alone, by the Serverless Framework, and a look whether it did
	@$(BIN)/python -m infra.deploy.serverless

clean: ## remove what the commands made
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis demo-results build dist
