# Everything a person or a machine does with this repository. `make help` lists it.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

ADDR ?= 127.0.0.1:8080
DATA ?= ./data

GOLANGCI := go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS  := -s -w -X github.com/tocsin-soar/tocsin/server/app.Version=$(VERSION)
GO_BUILD := CGO_ENABLED=0 go build -ldflags '$(LDFLAGS)'

# Packages in which goroutines meet: their tests run under the race detector
# where a C compiler is present.
RACE := ./server/store/... ./server/host/... ./server/httpapi/... ./server/httpcall/... ./server/intake/... \
        ./server/inbox/... ./server/library/... ./server/opa/... ./server/account/... ./server/app/... ./server/demo/...

MODULES   := web/node_modules/.package-lock.json
DIST      := web/dist/index.html
WEB_FILES := $(shell find web -type f -not -path 'web/node_modules/*' -not -path 'web/dist/*' -not -path 'web/e2e/*' \
               \( -name '*.ts' -o -name '*.tsx' -o -name '*.css' -o -name '*.html' -o -name '*.svg' -o -name '*.woff2' \
               -o -name '*.mjs' -o -name '*.json' \) 2>/dev/null)

.PHONY: help run build web test check bench e2e services dev generate generated crash clean

help: ## list what can be made
	@grep -hE '^[a-z0-9]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

run: build ## build, start with the demo range, print the address and a log-in link (ADDR=, DATA=)
	@exec bin/tocsin serve --demo --data '$(DATA)' --addr '$(ADDR)'

build: web ## build the web app and one static binary, bin/tocsin
	@mkdir -p bin
	$(GO_BUILD) -o bin/tocsin ./server/cmd/tocsin

web: $(DIST) ## build the web app into web/dist

$(MODULES): web/package.json web/package-lock.json
	cd web && npm ci --no-audit --no-fund
	@touch $@

$(DIST): $(MODULES) $(WEB_FILES)
	cd web && npm run build
	@touch $@ web/dist/.gitkeep

test: web ## run every test this machine can run; the last line counts them, the ones left out are named
	@RACE='$(RACE)' .ci/test

check: $(MODULES) build ## what must hold before the tests: lint, house rules, types, policies, generated files
	$(GOLANGCI) config verify
	$(GOLANGCI) run ./...
	go test ./server/internal/floors
	cd web && npm run check
	bin/tocsin policy check policies
	bin/tocsin policy test policies
	find playbooks -name '*.yaml' -not -name '*.test.yaml' -print0 | xargs -0 bin/tocsin playbook check
	find playbooks -name '*.test.yaml' -print0 | xargs -0 bin/tocsin playbook test
	$(MAKE) --no-print-directory generated

generate: $(MODULES) build ## write anew what is made from the code
	bin/tocsin openapi > bin/openapi.json
	cd web && npm run --silent gen -- ../bin/openapi.json
	UPDATE=1 go test -count=1 -run '^TestTheReference' ./server/internal/floors
	go generate ./integrations/...

MADE := cat docs/*.md web/src/gen/* integrations/all/*.go | cksum

generated: # fails when generate changes anything
	@before=$$($(MADE)); $(MAKE) --no-print-directory generate; after=$$($(MADE)); \
	  [[ $$before == "$$after" ]] || { echo 'generated files were out of date; commit what was written just now' >&2; exit 1; }

e2e: build ## drive the real binary and every screen with a browser; pictures in web/e2e/shots
	TOCSIN_E2E=browser TOCSIN_BINARY='$(CURDIR)/bin/tocsin' go test -count=1 -timeout 35m -v -run '^TestBrowser' ./server/internal/e2e

crash: build ## the full crash test: 500 alerts, ten times SIGKILL, three variants
	CRASH=full TOCSIN_BINARY='$(CURDIR)/bin/tocsin' go test -count=1 -timeout 60m -v -run '^TestCrash' ./server/internal/e2e

bench: build ## measure against this machine's floor; prints a table, writes bench.json
	go run ./server/internal/bench -binary bin/tocsin -json bench.json

services: build ## the tests against real servers, where their addresses are given (TOCSIN_SERVICE_<NAME>=URL)
	go test -json -count=1 -run '^TestService' ./... | go run ./server/internal/tally

dev: $(MODULES) ## the server with the demo range, rebuilt when Go changes, and the web app with live reload
	@DATA='$(DATA)' ADDR='$(ADDR)' .ci/dev

clean: ## remove what was built; data stays
	rm -rf bin web/node_modules bench.json
	find web/dist -mindepth 1 -not -name .gitkeep -delete
