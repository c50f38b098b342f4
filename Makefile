# Targets of haprov. `make` alone prints them.
.DEFAULT_GOAL := help
GO ?= go
BEGAN := $(shell date +%s)
# Runs go test and prints once more at the end what failed, with its output.
TEST := $(GO) tool -modfile=tools/go.mod gotestsum --hide-summary=skipped

help: ## print the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: build ## build haprov, install what the lab needs, bring the shipped cluster up
	bin/haprov up

build: ## build bin/haprov
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/haprov ./cmd/haprov

deps: ## install what the tests need (apt, as root or with sudo)
	@tools/deps.sh

generate: ## write docs/reference, docs/lint.md, docs/man and docs/completions from the program
	@new=$$(mktemp -d) && $(GO) run ./cmd/haprov reference "$$new" && rm -rf docs/reference docs/man docs/completions && mv "$$new"/* docs/ && rmdir "$$new"

check-generated: ## what is generated is what the program says
	@tools/check-generated.sh

check: check-generated ## formatting, vet, staticcheck, dead code, shellcheck, generated files
	@bad=$$(gofmt -l *.go cmd internal test); test -z "$$bad" || { echo "not formatted: $$bad"; exit 1; }
	$(GO) vet ./...
	$(GO) tool -modfile=tools/go.mod staticcheck ./...
	@tools/check-dead.sh
	@tools/check-scripts.sh
	$(GO) test -run Scripts ./internal/config

test: deps check check-ci test-fast test-release ## all tests; of the long suites on machines one a day, when there is time (SUITE_TODAY=none or NAME)
	@tools/suites.sh left-out
	@$(MAKE) test-vm SUITE=$(or $(SUITE),core)
	@$(if $(SUITE),,suite=$$(tools/suites.sh $(BEGAN)) && { [ -z "$$suite" ] || $(MAKE) test-vm $$suite; })
	@tools/suites.sh left-out

test-fast: ## tests without machines, under the race detector where no memory is measured
	$(TEST) --format standard-quiet -- -race -timeout 10m $$($(GO) list ./... | grep -v -e /test/vm -e /test/bad)
	$(TEST) --format standard-quiet -- -timeout 10m ./test/bad

test-vm: build ## tests on the lab's machines; SUITE=core,kills,starve,mysql-drbd,galera,stacks,user,documents,drills,calibrate,replace,libvirt,vagrant,debian13,box,backup,mysql,repair,arbiter,rotate,upgrade or all; DRIVER=uml,kvm,tcg,libvirt; DRILLS=full; KEEP=1
	@bin/haprov lab needs --install --driver $(or $(DRIVER),auto) && DRIVER=$(DRIVER) KEEP=$(KEEP) WITHOUT=$(WITHOUT) $(TEST) --format standard-verbose -- -timeout $(if $(filter core%,$(SUITE)),120m,$(if $(SUITE),6h,120m)) ./test/vm/...

fuzz: ## every fuzz target in turn, each for FUZZTIME (30s); TARGETS="FuzzX FuzzY" for some
	@GO="$(GO)" FUZZTIME="$(FUZZTIME)" tools/fuzz.sh $(TARGETS)

bench: ## Go benchmarks; BENCH_HARNESS=DIR adds a harness of your own that runs test/bench
	$(GO) test -run '^$$' -bench . -benchmem ./internal/config/ ./internal/engine/ ./internal/probe/ ./internal/transport/
	@if [ -n "$(BENCH_HARNESS)" ]; then $(MAKE) build && HAPROV_PLUG="$(CURDIR)/test/bench" "$(BENCH_HARNESS)/run"; fi

release: ## static binaries, Debian packages, checksums into dist/; VERSION=1.2.0, ARCH="amd64 arm64"
	@GO="$(GO)" $(if $(VERSION),VERSION="$(VERSION)") tools/release.sh $(ARCH)

test-release: ## build the Debian package twice, compare, and look at what it holds
	@GO="$(GO)" tools/test-release.sh

check-ci: ## the CI example for GitHub against actionlint
	$(GO) tool -modfile=tools/ci/go.mod actionlint -pyflakes= docs/ci/github.yml

clean: ## remove what was built; labs and caches stay
	rm -rf bin dist

.PHONY: help up build deps generate check-generated check test test-fast test-vm fuzz bench release test-release check-ci clean
