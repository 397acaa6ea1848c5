# The house's chores. `make` alone lists them. Needs GNU make, bash, git and Go; the rest is found or installed.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

GO ?= go
# Tools live beside the checkout's sources, one file per version of tool and Go: a new version never meets an old cache.
TOOLS := $(CURDIR)/.bin
GOVERSION := $(shell $(GO) env GOVERSION)
STATICCHECK_VERSION := v0.8.2
GOLANGCI_VERSION := v2.15.0
STATICCHECK := $(TOOLS)/staticcheck-$(STATICCHECK_VERSION)-$(GOVERSION)
GOLANGCI := $(TOOLS)/golangci-lint-$(GOLANGCI_VERSION)-$(GOVERSION)

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# The time stamp inside the archives: the commit's, so that two people get the same bytes.
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
LDFLAGS := -s -w -X main.version=$(VERSION)
BUILD := CGO_ENABLED=0 $(GO) build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)'
SYSTEMS := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

# The race detector needs cgo, and cgo a C compiler.
RACE = $(shell $(GO) env CC | { read -r cc rest; command -v "$$cc" >/dev/null 2>&1 && [ "$$(CGO_ENABLED=1 $(GO) env CGO_ENABLED)" = 1 ] && echo -race; } || true)
# With CI=true a skipped test is a failure, because nobody reads skips there.
SKIPS = $(if $(filter true 1,$(CI)),-fail)
FUZZTIME ?= 30s
TEST_TIMEOUT ?= 10m

.PHONY: help test test-deps compose-check lint lint-tools build cross dist notices notices-check fuzz versus bench clean

help: ## list these targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

test: test-deps ## run all tests, with the race detector where a C compiler is; installs what they need where it may
	@race='$(RACE)'
	if [ -z "$$race" ]; then echo 'no C compiler: running without the race detector (on Debian: apt-get install gcc libc6-dev)'; fi
	mkdir -p '$(TOOLS)'
	$(GO) build -o '$(TOOLS)/skips' ./internal/house/skips
	CGO_ENABLED=$${race:+1} ; [ -n "$$CGO_ENABLED" ] && export CGO_ENABLED || unset CGO_ENABLED
	status=0
	$(GO) test -json $$race -shuffle=on -timeout=$(TEST_TIMEOUT) ./... | '$(TOOLS)/skips' $(SKIPS) || status=1
	(cd internal/house/compose && $(GO) test -json $$race -shuffle=on -timeout=$(TEST_TIMEOUT) ./...) | '$(TOOLS)/skips' $(SKIPS) || status=1
	# All real pictures without the race detector, which makes decoding ten times as slow; then what it is for.
	(cd internal/corpus && $(GO) test -json -shuffle=on -timeout=$(TEST_TIMEOUT) ./...) | '$(TOOLS)/skips' $(SKIPS) || status=1
	if [ -n "$$race" ]; then (cd internal/corpus && $(GO) test -json $$race -run 'Together|Broken' -timeout=$(TEST_TIMEOUT) .) | '$(TOOLS)/skips' $(SKIPS) || status=1; fi
	exit $$status

test-deps:
	@.ci/deps

compose-check: ## load docker-compose.yml with all profiles and check what it promises
	@cd internal/house/compose && $(GO) test -count=1 ./...

lint: lint-tools ## gofmt, go vet, staticcheck and golangci-lint, all without a finding
	@unformatted=$$(find . -name '*.go' -not -path './.*' -not -path './bin/*' -not -path './dist/*' -print0 | xargs -0 -r gofmt -l)
	if [ -n "$$unformatted" ]; then printf 'not formatted, run gofmt -w on:\n%s\n' "$$unformatted" >&2; exit 1; fi
	for dir in . internal/house/compose internal/corpus; do
		echo "lint: $$dir"
		(cd "$$dir" && $(GO) vet ./... && '$(STATICCHECK)' ./... && '$(GOLANGCI)' run ./...)
	done

lint-tools: $(STATICCHECK) $(GOLANGCI)

# install puts one tool under its versioned name. It is built in a folder of its own, so a broken build leaves nothing.
define install
	@mkdir -p '$(TOOLS)'
	tmp=$$(mktemp -d '$(TOOLS)/tmp.XXXXXX')
	trap 'rm -rf "$$tmp"' EXIT
	echo 'building $(notdir $@) (once; golangci-lint takes some minutes)'
	GOBIN="$$tmp" $(GO) install $(1)
	mv "$$tmp"/* '$@'
endef

$(STATICCHECK):
	$(call install,honnef.co/go/tools/cmd/staticcheck@$(STATICCHECK_VERSION))

$(GOLANGCI):
	$(call install,github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION))

build: ## build ./bin/groupphoto, static and stripped
	@mkdir -p bin
	$(BUILD) -o bin/groupphoto ./cmd/groupphoto

cross: ## compile everything for Windows and macOS, keeping nothing
	@for system in windows/amd64 darwin/arm64; do
		echo "go build: $$system"
		CGO_ENABLED=0 GOOS=$${system%/*} GOARCH=$${system#*/} $(GO) build ./...
	done

dist: ## build the release archives and SHA256SUMS into ./dist; the same commit gives the same bytes
	@rm -rf dist
	for system in $(SYSTEMS); do
		os=$${system%/*} arch=$${system#*/} exe=
		if [ "$$os" = windows ]; then exe=.exe; fi
		echo "building $$system"
		GOOS=$$os GOARCH=$$arch $(BUILD) -o "dist/$${os}_$$arch/groupphoto$$exe" ./cmd/groupphoto
	done
	readme=; if [ -f README.md ]; then readme=README.md; fi
	$(GO) run ./internal/house/dist -version '$(VERSION)' -epoch '$(SOURCE_DATE_EPOCH)' LICENSE THIRD_PARTY_NOTICES.md $$readme
	cat dist/SHA256SUMS

notices: ## write THIRD_PARTY_NOTICES.md from the modules that ship
	@$(GO) run ./internal/house/notices

notices-check: ## fail when THIRD_PARTY_NOTICES.md is out of date
	@$(GO) run ./internal/house/notices -check

fuzz: ## run every fuzz target for FUZZTIME (30s)
	@found=0
	while IFS=: read -r file line; do
		target=$${line#func } target=$${target%%(*}
		found=$$((found + 1))
		echo "fuzz: $$target in $$(dirname "$$file")"
		$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime '$(FUZZTIME)' "$$(dirname "$$file")"
	done < <(grep -r --include='*_test.go' --exclude-dir='.[a-z]*' --exclude-dir=testdata -o '^func Fuzz[A-Za-z0-9_]*(' . || true)
	echo "$$found fuzz targets run"

versus: ## what making photos costs beside libvips, in time and memory, on this machine
	@cd internal/corpus && $(GO) run ./versus

bench: ## run every benchmark once, with allocations
	@$(GO) test -run '^$$' -bench . -benchmem ./...

clean: ## remove what the other targets made; the tools in ./.bin stay (rm -r .bin removes them)
	@rm -rf bin dist
