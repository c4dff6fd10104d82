# Rollcall. `make` alone lists what there is.

.DEFAULT_GOAL := help
SHELL := /bin/sh
.DELETE_ON_ERROR:

# Flags for the program that a target starts: make run ARGS="--addr :9000"
ARGS ?=
# How long `make fuzz` stays with each target.
FUZZTIME ?= 20s

FLAGS = -trimpath
LINK = -ldflags='-s -w'
# The largest size of the program, in bytes.
LIMIT = 40000000
# For what is compiled with the program's flags, so that shared packages are compiled once.
ALIKE = CGO_ENABLED=0 GOFLAGS="$$(go env GOFLAGS) $(FLAGS)"

.PHONY: help
help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: build ## Fetch what is missing, build and start the board; its address is printed. Needs Go and Node.
	@exec bin/rollcall serve $(ARGS)

.PHONY: demo
demo: build ## The same with a board full of people who come and go, in a temporary folder.
	@exec bin/rollcall demo $(ARGS)

.PHONY: build
build: assets ## Build bin/rollcall.
	@$(MAKE) --no-print-directory compile

# The program alone, where the assets are there already; GOOS, GOARCH and OUT may say what and where to. STAMP is what
# to do about the version, which comes from git: by itself, Go puts it in where it can.
OUT ?= bin/rollcall
STAMP ?=
.PHONY: compile
compile:
	CGO_ENABLED=0 go build $(STAMP) $(FLAGS) $(LINK) -o $(OUT) .
	@test "$$(wc -c <$(OUT))" -lt $(LIMIT) || { echo "$(OUT) is larger than $(LIMIT) bytes"; exit 1; }

TARGETS ?= linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

.PHONY: dist
dist: assets ## Archives for every platform with checksums and lists of parts, in dist/, from a checkout without changes.
	rm -rf dist
	@set -e; for target in $(TARGETS); do \
		os=$${target%/*} arch=$${target#*/} ext=; [ $$os != windows ] || ext=.exe; \
		GOOS=$$os GOARCH=$$arch $(MAKE) --no-print-directory compile STAMP=-buildvcs=true OUT=dist/build/$${os}_$$arch/rollcall$$ext; \
	done
	go run ./scripts/release dist/build dist

.PHONY: assets
assets: node_modules/.package-lock.json ## Make what browsers load, and the list of common passwords.
	node ui/build.mjs

# npm writes this file last.
node_modules/.package-lock.json: package-lock.json package.json
	@scripts/need go node npm
	npm ci --no-audit --no-fund
	@touch $@

# What only computes is not watched for races, which would be half of the time: SQLite, the C library that it was
# translated with, and the hash of passwords.
UNWATCHED = modernc.org/sqlite/lib modernc.org/libc/... golang.org/x/crypto/argon2 golang.org/x/crypto/blake2b
RACE = -race $(UNWATCHED:%=-gcflags=%=-race=false)
# The program that tests and measurements start is the one that people get.
TRIED = ROLLCALL_BINARY="$(CURDIR)/bin/rollcall"

.PHONY: test
test: ## Everything that can be tested, real browsers included. Installs what it needs where apt is there.
	@scripts/need go node npm
	scripts/test-programs
	$(MAKE) build lint # vet is done then, and not again by each package
	$(TRIED) go test $(RACE) -vet=off -p 3 -timeout 8m ./handlers ./accounts ./presence $$(go list ./... | grep -v -E '/(e2e|handlers|accounts|presence)$$') # the longest first
	$(ALIKE) go test -vet=off -timeout 5m -run 'Simulation|EveryRule' ./presence
	$(ALIKE) $(TRIED) go test -vet=off -timeout 15m ./e2e/...

# The packages that `make steady` tests: make steady PACKAGES="./live ./ui"
PACKAGES ?= ./...
STEADY = scripts/busy go test -vet=off -count=3 -timeout 60m

.PHONY: steady
steady: build ## Every package's tests three times, beside busy loops on all cores; takes about an hour.
	scripts/test-programs
	@fast=$$(go list $(PACKAGES) | grep -v '/e2e' || true); test -z "$$fast" || $(TRIED) $(STEADY) $(RACE) $$fast
	@e2e=$$(go list $(PACKAGES) | grep '/e2e' || true); test -z "$$e2e" || $(ALIKE) $(TRIED) $(STEADY) $$e2e

.PHONY: chaos
chaos: build ## The replicas' tests with long outages and a thousand sockets; takes a good while.
	$(TRIED) ROLLCALL_CHAOS=full go test -count=1 -timeout 40m -v -run Replica ./e2e

.PHONY: proof
proof: build chaos ## What takes long: chaos, kills during sign-ups, ten minutes of people who come and go, full disks, database files that are moved away, a thousand sockets through each proxy, the image, two builds of a release that must be the same.
	$(TRIED) ROLLCALL_PROOF=full go test -count=1 -timeout 40m -v -run 'KilledDuringSignUps|Soak|Disk|ReadOnly|DatabaseLost|OneFile|LiveLog|Flood|FullOf|TestProxies' ./e2e
	scripts/test-programs buildah debootstrap
	scripts/image
	scripts/reproducible

.PHONY: check
check: build lint ## The fast part of test: no browser, no race detector.
	$(ALIKE) $(TRIED) go test $$(go list ./... | grep -v '/e2e$$')

.PHONY: screenshots
screenshots: build ## Draw every page, light, dark and on a phone, into docs/; needs Chromium, takes some minutes.
	@exec go run ./e2e/screenshots $(ARGS)

.PHONY: lint
lint: ## gofmt, go vet and staticcheck.
	@wrong=$$(gofmt -l .); test -z "$$wrong" || { echo "gofmt would change: $$wrong"; exit 1; }
	$(ALIKE) go vet ./...
	$(ALIKE) go tool staticcheck ./...

.PHONY: bench
bench: build ## Measure: memory, connects, time to every watcher, CPU, page rate. ARGS="-h" shows what can be chosen.
	go run ./bench $(ARGS)

.PHONY: fuzz
fuzz: assets ## Each fuzz target for FUZZTIME (20s).
	scripts/fuzz $(FUZZTIME)

.PHONY: clean
clean: ## Remove what was built and fetched.
	rm -rf bin dist node_modules
	find ui/static/build accounts/generated -type f ! -name .keep -exec rm -f {} +
