# Targets for people and for CI alike; `make` alone lists them.
# Nothing here is needed to use the library or to run its tests: `go test ./...` does that.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

GO ?= go

# Tools, pinned here rather than in go.mod, so that no user of the module depends on them.
GOFUMPT     ?= $(GO) run mvdan.cc/gofumpt@v0.12.0
STATICCHECK ?= $(GO) run honnef.co/go/tools/cmd/staticcheck@v0.8.2
BENCHSTAT   ?= $(GO) run golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da
GOVULNCHECK ?= $(GO) run golang.org/x/vuln/cmd/govulncheck@v1.8.0

# Every target compiles the tests too. linux/s390x is the big-endian one, linux/386 the one where int has 32 bits.
TARGETS ?= linux/386 linux/arm64 linux/s390x windows/amd64 darwin/arm64

# Least statement coverage, in percent, of a package by its own tests.
COVER_MIN ?= mask=95 frame=95 deflate=95 handshake=95 internal/protocol=95 internal/cpu=90 conn=90 conn/drain=95 conn/redial=95

# Per fuzz target; 20s and 100000x are both understood. FUZZ is a regular expression for names such as
# handshake.FuzzHead; FUZZWORKERS run a target at the same time, 0 means one for each CPU.
FUZZTIME    ?= 20s
FUZZ        ?= .
FUZZWORKERS ?= 0

# Directories of the modules inside the tree, which ./... does not reach.
MODULES = $(shell find . -name go.mod -not -path ./go.mod -not -path '*/testdata/*' -exec dirname {} \;)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: check
check: format vet staticcheck tidy race cross ## what every commit passes; changes no file

.PHONY: format
format: ## fail on a file that gofumpt would change
	@out=$$($(GOFUMPT) -l .); if [ -n "$$out" ]; then echo "gofumpt would change:"; echo "$$out"; exit 1; fi

.PHONY: vet
vet: ## go vet
	$(GO) vet ./...

.PHONY: staticcheck
staticcheck: ## staticcheck
	$(STATICCHECK) ./...

.PHONY: tidy
tidy: ## fail on a go.mod or go.sum that go mod tidy would change
	$(GO) mod tidy -diff

.PHONY: test
test: ## the tests, as a user runs them
	$(GO) test ./...

.PHONY: race
race: ## the tests under the race detector, in random order
	$(GO) test -race -shuffle=on ./...

.PHONY: pools
pools: ## the tests of connections, counting memory that does not go back to its pool
	$(GO) test -tags poolcount ./conn

.PHONY: cross
cross: ## build the packages and type-check their tests for other platforms
	@for t in $(TARGETS); do \
		echo "build and vet $$t"; \
		CGO_ENABLED=0 GOOS=$${t%/*} GOARCH=$${t#*/} $(GO) build ./...; \
		CGO_ENABLED=0 GOOS=$${t%/*} GOARCH=$${t#*/} $(GO) vet ./...; \
	done

# Processors that are emulated, by their names in Go and in qemu-user. s390x is big-endian.
EMULATED ?= arm64/aarch64 s390x/s390x

.PHONY: processors
processors: ## masking and text without assembly, and with the wire format on other processors; needs qemu-user
	$(GO) test -tags purego ./mask
	$(GO) test -tags purego -short -run Text ./internal/protocol
	@for t in $(EMULATED); do \
		echo "test $${t%/*}"; \
		CGO_ENABLED=0 GOARCH=$${t%/*} $(GO) test -exec qemu-$${t#*/} ./mask ./frame; \
		CGO_ENABLED=0 GOARCH=$${t%/*} $(GO) test -short -run Text -exec qemu-$${t#*/} ./internal/protocol; \
	done

.PHONY: modules
modules: ## vet and test the modules inside the tree
	@for d in $(MODULES); do \
		echo "module $$d"; \
		(cd $$d && $(GO) mod tidy -diff && $(GO) vet ./... && $(GO) test ./...); \
	done

.PHONY: cover
cover: ## statement coverage per package by its own tests, with the lines not covered
	@$(MAKE) cover-profile
	@$(GO) run ./internal/tools/cover -lines "$(COVER_PROFILE)"

.PHONY: cover-check
cover-check: ## fail where coverage is below COVER_MIN
	@$(MAKE) cover-profile
	@$(GO) run ./internal/tools/cover -min "$(COVER_MIN)" "$(COVER_PROFILE)"

COVER_PROFILE ?= $(or $(TMPDIR),/tmp)/duplex-cover.out
.PHONY: cover-profile
cover-profile:
	@$(GO) test -count=1 -coverprofile="$(COVER_PROFILE)" ./... >"$(COVER_PROFILE).log" || { cat "$(COVER_PROFILE).log"; exit 1; }

.PHONY: fuzz
fuzz: ## run the targets that FUZZ matches for FUZZTIME, one at a time, and print a table
	@$(GO) run ./internal/tools/fuzz -time $(FUZZTIME) -match '$(FUZZ)' -workers $(FUZZWORKERS)

# How long, with how many clients, and the seed of what they do.
SOAKTIME    ?= 15m
SOAKCLIENTS ?= 150
SOAKSEED    ?= 1

.PHONY: soak
soak: ## servers and clients of all sorts for SOAKTIME, with faults; then nothing is lost or left
	$(GO) test ./internal/soak -v -count=1 -timeout 0 -run '^TestSoak$$' \
		-soak.time $(SOAKTIME) -soak.clients $(SOAKCLIENTS) -soak.seed $(SOAKSEED)

# Over TLS the suite takes longer and shows nothing new about compression, which sections 12 and 13 are about.
AUTOBAHN_TLS_CASES ?= 1.*,2.*,3.*,4.*,5.*,6.*,7.*,9.*,10.*

.PHONY: autobahn
autobahn: autobahn-ws autobahn-wss ## the Autobahn suite against server and client, all of it over ws, sections 1 to 10 over wss

.PHONY: autobahn-ws
autobahn-ws:
	$(GO) run ./autobahn

.PHONY: autobahn-wss
autobahn-wss:
	$(GO) run ./autobahn -tls -cases '$(AUTOBAHN_TLS_CASES)'

# Which benchmarks, against which commit, how long each and how often in turn.
BENCH       ?= .
BENCH_BASE  ?= main
BENCH_TIME  ?= 100ms
BENCH_COUNT ?= 6
BENCH_PKGS  ?= ./mask ./frame ./internal/protocol ./handshake ./deflate ./conn

.PHONY: bench
bench: ## benchmarks of the hot paths, against those of BENCH_BASE in turn, compared by benchstat
	@base=$$(mktemp -d); \
	trap 'git worktree remove --force $$base/tree; rm -rf $$base' EXIT; \
	git worktree add --quiet --detach $$base/tree $(BENCH_BASE); \
	for i in $$(seq $(BENCH_COUNT)); do \
		echo "round $$i of $(BENCH_COUNT)"; \
		for d in $$base/tree .; do \
			(cd $$d && $(GO) test -run '^$$' -bench '$(BENCH)' -benchtime $(BENCH_TIME) -benchmem $(BENCH_PKGS)) \
				>>$$base/$$([ $$d = . ] && echo new || echo old).txt; \
		done; \
	done; \
	$(BENCHSTAT) $(BENCH_BASE)=$$base/old.txt here=$$base/new.txt

.PHONY: vuln
vuln: ## known vulnerabilities in what is imported; needs the network
	$(GOVULNCHECK) ./...
