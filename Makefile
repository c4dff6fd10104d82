# Rollcall. `make` without a target lists the targets.

.DEFAULT_GOAL := help
SHELL := /bin/sh
.DELETE_ON_ERROR:

# Flags for the program that a target starts, for example: make run ARGS="--addr :9000"
ARGS ?=
# How long `make fuzz` runs each fuzz target.
FUZZTIME ?= 20s

FLAGS = -trimpath
LINK = -ldflags='-s -w'
# The maximum size of the program on any platform, in bytes. The program for Linux is the smallest, at 43.4 MB. Passkeys
# and OpenID Connect take 2.7 MB, and the API, streams, webhooks, and share links 1.6 MB.
LIMIT = 44500000
# For what is compiled with the program's flags, so that shared packages are compiled once.
ALIKE = CGO_ENABLED=0 GOFLAGS="$$(go env GOFLAGS) $(FLAGS)"

.PHONY: help
help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: build ## Build and start the board, and print its address. Fetches what's missing. Needs Go and Node.
	@exec bin/rollcall serve $(ARGS)

.PHONY: demo
demo: build ## Start a board with people who come and go, in a temporary folder.
	@exec bin/rollcall demo $(ARGS)

.PHONY: build
build: assets ## Build bin/rollcall.
	@$(MAKE) --no-print-directory compile

# Builds only the program, from existing assets. GOOS, GOARCH, and OUT select the platform and the output file. STAMP
# sets Go's -buildvcs flag. By default, Go adds the version from git if it can.
OUT ?= bin/rollcall
STAMP ?=
.PHONY: compile
compile:
	CGO_ENABLED=0 go build $(STAMP) $(FLAGS) $(LINK) -o $(OUT) .
	@test "$$(wc -c <$(OUT))" -lt $(LIMIT) || { echo "$(OUT) is larger than $(LIMIT) bytes"; exit 1; }

TARGETS ?= linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

.PHONY: dist
dist: assets ## Build release archives for every platform in dist/, with checksums and SBOMs. Needs a checkout without changes.
	rm -rf dist
	@set -e; for target in $(TARGETS); do \
		os=$${target%/*} arch=$${target#*/} ext=; [ $$os != windows ] || ext=.exe; \
		GOOS=$$os GOARCH=$$arch $(MAKE) --no-print-directory compile STAMP=-buildvcs=true OUT=dist/build/$${os}_$$arch/rollcall$$ext; \
	done
	go run ./scripts/release dist/build dist

.PHONY: assets
assets: node_modules/.package-lock.json ## Build what browsers load, and the list of common passwords.
	node ui/build.mjs

# npm writes this file last.
node_modules/.package-lock.json: package-lock.json package.json
	@scripts/need go node npm
	npm ci --no-audit --no-fund
	@touch $@

# The race detector skips SQLite, the C library that it was translated with, and password hashing. They only compute,
# and checking them would take half of the time.
UNWATCHED = modernc.org/sqlite/lib modernc.org/libc/... golang.org/x/crypto/argon2 golang.org/x/crypto/blake2b
RACE = -race $(UNWATCHED:%=-gcflags=%=-race=false)
# Tests and benchmarks start the same program that people get.
TRIED = ROLLCALL_BINARY="$(CURDIR)/bin/rollcall"

.PHONY: test
test: ## Run every test, real browsers included. Installs what it needs if apt is available.
	@scripts/need go node npm
	scripts/test-programs
	$(MAKE) build lint # lint runs vet, so each package doesn't have to
	$(TRIED) go test $(RACE) -vet=off -p 3 -parallel 4 -timeout 12m ./handlers ./accounts ./presence/replica $$(go list ./... | grep -v -E '/(e2e|handlers|accounts|presence/replica)$$') # longest first
	$(ALIKE) go test -vet=off -timeout 5m -run 'Simulation|EveryRule|Hold|Eviction|Beats|Standstill' ./presence/replica
	$(ALIKE) $(TRIED) go test -vet=off -timeout 15m ./e2e/...

# The packages that `make steady` tests: make steady PACKAGES="./live ./ui"
PACKAGES ?= ./...
STEADY = scripts/busy go test -vet=off -count=3 -timeout 60m

.PHONY: steady
steady: build ## Run every package's tests three times, next to busy loops on all cores. Takes about an hour.
	scripts/test-programs
	@fast=$$(go list $(PACKAGES) | grep -v '/e2e' || true); test -z "$$fast" || $(TRIED) $(STEADY) $(RACE) $$fast
	@e2e=$$(go list $(PACKAGES) | grep '/e2e' || true); test -z "$$e2e" || $(ALIKE) $(TRIED) $(STEADY) $$e2e

.PHONY: chaos
chaos: build ## Test replicas with long outages and a thousand sockets. Takes a long time.
	ROLLCALL_CHAOS=full go test -count=1 -timeout 20m -v -run 'SentinelFailover|ClusterFaults' ./presence/replica
	$(TRIED) ROLLCALL_CHAOS=full go test -count=1 -timeout 40m -v -run Replica ./e2e

.PHONY: proof
proof: build chaos ## Run what takes long: chaos, kills, load, full disks, proxies, image, release builds. Needs root.
	$(TRIED) ROLLCALL_PROOF=full go test -count=1 -timeout 40m -v -run 'KilledDuringSignUps|Soak|Disk|ReadOnly|DatabaseLost|OneFile|LiveLog|Flood|SocketLimit|TestProxies' ./e2e
	scripts/test-programs buildah debootstrap java
	cd e2e/webcheck && npm ci --ignore-scripts --no-audit --no-fund
	node e2e/webcheck/check.mjs "$(CURDIR)/bin/rollcall"
	scripts/image
	scripts/reproducible

.PHONY: check
check: build lint ## Run the fast part of test: no browser, no race detector.
	$(ALIKE) $(TRIED) go test $$(go list ./... | grep -v '/e2e$$')

.PHONY: screenshots
screenshots: build ## Take screenshots of every page for docs/. Needs Chromium. Takes a few minutes.
	@exec go run ./e2e/screenshots $(ARGS)

.PHONY: lint
lint: ## Run gofmt, go vet, and staticcheck.
	@wrong=$$(gofmt -l .); test -z "$$wrong" || { echo "gofmt would change: $$wrong"; exit 1; }
	$(ALIKE) go vet ./...
	$(ALIKE) go tool staticcheck ./...

.PHONY: bench
bench: build ## Measure memory, connections, latency, CPU, and page rate. ARGS="-h" lists the options.
	go run ./bench $(ARGS)

.PHONY: fuzz
fuzz: assets ## Run each fuzz target for FUZZTIME (20s).
	scripts/fuzz $(FUZZTIME)

.PHONY: clean
clean: ## Remove everything that was built and fetched.
	rm -rf bin dist node_modules
	find ui/static/build accounts/generated -type f ! -name .keep -exec rm -f {} +
