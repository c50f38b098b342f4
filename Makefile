# Targets of haprov. `make` alone prints them.
.DEFAULT_GOAL := help
GO ?= go

help: ## print the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/haprov
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/haprov ./cmd/haprov

deps: ## install what the tests need (apt, as root or with sudo)
	@tools/deps.sh

check: ## formatting and vet
	@test -z "$$(gofmt -l cmd internal test)" || { gofmt -l cmd internal test; exit 1; }
	$(GO) vet ./...

test: deps check ## all tests
	$(GO) test -race -timeout 10m ./...

.PHONY: help build deps check test
