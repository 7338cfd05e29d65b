# Longshore: build, run and test. Every target installs what it needs and says so.
GO      ?= go
BIN     := bin/longshore
DATA    ?=
LISTEN  ?= 127.0.0.1:4566
UPFLAGS := --listen $(LISTEN) $(if $(DATA),--data-dir $(DATA))
DIRFLAG := $(if $(DATA),--data-dir $(DATA))

.PHONY: sim sim-share planted power build up down test unit docker-test e2e lint generate bench soak torture engine clients clean

build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o $(BIN) ./cmd/longshore

# Installs Docker Engine with apt if there is none, and starts it if it is not running.
engine:
	@scripts/engine

# Installs the AWS CLI and boto3 with apt where they are missing.
clients:
	@scripts/clients

up: build engine
	@scripts/up $(BIN) $(UPFLAGS)

down: build
	@$(BIN) down $(DIRFLAG)

# SHARE is how many seeds of the simulation are among the tests. They do not run beside the containers' tests: containers
# have CPU shares of their own, few by ECS's default, and would starve.
SHARE ?= 200
test: build engine clients lint unit sim-share planted docker-test e2e

sim-share: build
	@$(BIN) sim --seeds $(SHARE) --commit "$$(git rev-parse HEAD 2>/dev/null)"

unit:
	$(GO) test ./...

# Tests that need root and a real Docker Engine; one package at a time, they share the engine.
docker-test:
	$(GO) test -tags docker -p 1 -count 1 $$(find ./internal -name '*_docker_test.go' | xargs -n1 dirname | sort -u)

# The real clients against a real daemon and a real Docker Engine.
e2e: build
	PATH="$(CURDIR)/bin/clients:$$PATH" $(GO) test -tags e2e -p 1 -count 1 -timeout 25m ./test/...

# Kills the daemon KILLS times, agents AGENT_KILLS times and an engine of its own DOCKER_RESTARTS times under load, and
# stops START_STOPS tasks at their start. SEED repeats the random moments. The last line is the verdict in JSON.
torture: build engine
	@LONGSHORE_BIN=$(CURDIR)/$(BIN) scripts/verdict torture \
		$(GO) test -tags e2e -count 1 -timeout 6h -v -run '^TestTorture$$' ./test/survival

lint:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	$(GO) vet -tags 'docker e2e' ./...
	$(GO) tool -modfile=tools/go.mod staticcheck -tags 'docker e2e' ./...

generate:
	$(GO) run ./cmd/apigen
	$(GO) run ./cmd/recordgen

bench: build engine
	$(GO) run ./bench

# Mixed churn over a real Docker Engine; the last line is a JSON verdict. It needs root.
MINUTES ?= 60
LIVE    ?= 200
RATE    ?= 1
SEED    ?=

soak: build engine
	$(GO) run ./test/soak -minutes $(MINUTES) -live $(LIVE) -rate $(RATE) $(if $(SEED),-seed $(SEED)) \
		$(if $(KEEP),-keep $(KEEP))

# Power losses, torn and rotten logs, failing calls; the last line is a JSON verdict. It needs no engine and no root.
power: SEEDS ?= 2000
power:
	$(GO) run ./test/power -seeds $(SEEDS) $(if $(SEED),-seed $(SEED))

# Whole installations, each in a process of its own: the seed decides every crash, message and await. The last line is a
# JSON object; the status is 0 only without violations and with enough load.
sim: SEEDS ?= 200
sim: FIRST ?= 1
sim: build
	@$(BIN) sim --seeds $(SEEDS) --first $(FIRST) --commit "$$(git rev-parse HEAD 2>/dev/null)"

# Bugs planted in an overlay of the product, one awake at a time: the simulation must catch all but one. The last line
# is a JSON verdict.
planted:
	$(GO) run ./internal/sim/planted/cmd

clean:
	rm -rf bin
