# make help prints what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help

# Given on the command line (make run PORT=8185) or in the environment, these reach
# the scripts.
export SIGN_REGION UPSTREAM STORE PORT HEALTH_PORT STATE ENVOY
export ENVOY_CONFIG MASKER_CONFIG MASKER CERTIFICATES GATEWAY HEALTH KEY KEY_FILE CA SLOW_MS USERS SECONDS_EACH

.PHONY: help run demo test test-all fuzz soak schemas bench coverage audit validate-envoy compose compose-mock compose-tls compose-claude compose-down preflight smoke gateways deb sbom load release versions

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | while IFS=$$'\t' read -r name text; do printf '  make %-16s %s\n' "$$name" "$$text"; done

run: ## masker and Envoy on :8085; PORT=, UPSTREAM=, STORE= change it; Ctrl-C stops both
	@scripts/run.sh

demo: ## what you send, what the provider sees, what you get back; no account needed
	@scripts/demo.sh

test: ## format, lints, all tests with a real Envoy and Redis, licences, documentation
	@scripts/test.sh

test-all: ## the same, then long property runs and conversations, fuzz, soak, compose
	@scripts/test.sh all

fuzz: ## mutated inputs, FUZZ_SECONDS= (60) for each of three targets
	@scripts/test.sh fuzz

soak: ## mixed requests for SOAK_SECONDS= (120), OUTAGE_SECONDS= (60) without Redis, then SOAK_STREAMS= (512) streams while parts are killed
	@scripts/test.sh soak

schemas: ## do the newest SDKs have fields without a decision? (needs the network)
	@scripts/test.sh schemas

bench: ## masking and restoring beside the bars they must meet; see benches/
	@ENVOY="$$(scripts/install.sh envoy)" cargo bench

coverage: ## line coverage of all tests by module; fails if the core has below 90 %
	@scripts/test.sh coverage

audit: ## known vulnerabilities in the dependencies (needs the network)
	@"$$(scripts/install.sh cargo-deny)" --all-features check advisories

validate-envoy: ## the real Envoy reads every file in envoy/
	@scripts/validate-envoy.sh

compose: ## Envoy, masker and Redis in containers
	@scripts/compose.sh up -d --build

compose-mock: ## the same with a mock provider: no account needed
	@UPSTREAM=http://mock:9000 scripts/compose.sh --profile mock up -d --build

compose-tls: ## the same with HTTPS for clients, certificate in .masker/compose/tls/gateway.crt
	@scripts/compose.sh --profile tls up -d --build

compose-claude: ## Claude Code in a container that reaches the gateway alone; WORK= is what it sees
	@scripts/compose.sh --profile claude up -d --build envoy && scripts/compose.sh --profile claude run --rm claude

compose-down: ## stops the containers and keeps what Redis stored
	@scripts/compose.sh --profile mock down

preflight: ## is what a gateway starts with right? ENVOY_CONFIG=, MASKER_CONFIG=, MASKER=
	@scripts/preflight.sh

smoke: ## does a gateway that runs answer, mask and refuse? GATEWAY=, HEALTH=, KEY=
	@scripts/smoke.py

gateways: ## the parts of envoy/with, attacks, the switch, manifests, documents
	@scripts/test.sh gateways

deb: ## a Debian package in target/debian
	@"$$(scripts/install.sh cargo-deb)" --locked

sbom: ## what the program is made of, in CycloneDX, as target/masker.cdx.json
	@"$$(scripts/install.sh cargo-cyclonedx)" cyclonedx --format json --spec-version 1.5 --override-filename masker.cdx
	@mkdir -p target && sed 's|path+file://[^#"]*#|path+file:///masker#|' masker.cdx.json >target/masker.cdx.json && rm masker.cdx.json

load: ## realistic traffic through Envoy, every answer and request checked, and a report; USERS=, SECONDS_EACH=
	@ENVOY="$$(scripts/install.sh envoy)" scripts/test.sh load

release: ## program, package, SBOM, checksums and provenance in target/dist; KEY= signs
	@scripts/release.sh

versions: ## conversations over this and the version before on one Redis; PREVIOUS= a commit, or PREVIOUS_MASKER= a program
	@scripts/test.sh versions
