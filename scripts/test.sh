#!/usr/bin/env bash
# make test, and with `all`, `fuzz`, `soak`, `coverage`, `gateways`, `load`, `versions`
# or `schemas` make test-all, make fuzz, make soak, make coverage and so on.
# Stops at the first step that fails; the last lines say how long each step took.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-test}
command -v cargo >/dev/null || { echo "masker: cargo is missing (https://rustup.rs)" >&2; exit 1; }

times=
# step NAME COMMAND...
step() {
    local name=$1 began=$SECONDS
    shift
    printf '\n== %s\n' "$name"
    if ! "$@"; then
        printf '\nFAILED: %s\n' "$name" >&2
        exit 1
    fi
    times="$times$(printf '%5ss  %s' $((SECONDS - began)) "$name")
"
}

tools() {
    ENVOY=$(scripts/install.sh envoy) && REDIS_SERVER=$(scripts/install.sh redis) &&
        PYTHON=$(scripts/install.sh python) && CLAUDE_CODE=$(scripts/install.sh claude) &&
        NODE_SDKS=$(scripts/install.sh node-sdks) &&
        CHROMEDRIVER=$(scripts/install.sh chromedriver) && AXE=$(scripts/install.sh axe) &&
        SCHEMATHESIS=$(scripts/install.sh schemathesis) &&
        PROMTOOL=$(scripts/install.sh promtool) && AMTOOL=$(scripts/install.sh amtool) &&
        SYSTEMD_ANALYZE=$(scripts/install.sh systemd-analyze) && DOCKER_COMPOSE=$(scripts/install.sh docker-compose) || return
    export ENVOY REDIS_SERVER PYTHON CLAUDE_CODE NODE_SDKS CHROMEDRIVER AXE SCHEMATHESIS PROMTOOL AMTOOL SYSTEMD_ANALYZE DOCKER_COMPOSE
    env | grep -E '^(ENVOY|REDIS_SERVER|PYTHON|CLAUDE_CODE|NODE_SDKS|CHROMEDRIVER|AXE|SCHEMATHESIS|PROMTOOL|AMTOOL|SYSTEMD_ANALYZE|DOCKER_COMPOSE)='
    # Settings of the shell that calls must not reach the programs under test.
    unset ANTHROPIC_BASE_URL ANTHROPIC_API_KEY ANTHROPIC_AUTH_TOKEN \
        MASKER_LISTEN MASKER_ADMIN MASKER_STORE MASKER_KEY_FILE MASKER_CONFIG
}

tests() {
    if command -v cargo-nextest >/dev/null; then cargo nextest run --locked; else cargo test --locked; fi
}
fuzz() { FUZZ_SECONDS=${FUZZ_SECONDS:-60} cargo test --locked --test fuzz -- --nocapture; }
soak() {
    SOAK_SECONDS=${SOAK_SECONDS:-120} OUTAGE_SECONDS=${OUTAGE_SECONDS:-60} \
        cargo test --locked --test e2e -- soak:: outage:: --nocapture --test-threads 1
}
streams() { SOAK_SECONDS=${SOAK_SECONDS:-120} SOAK_STREAMS=${SOAK_STREAMS:-512} "$PYTHON" tests/gateways/soak.py; }
# The Envoy configurations, from outside. No test here needs a build of its own.
gateways() { (cd tests/gateways && printf '%s\n' test_*.py | xargs -P 3 -n 1 "$PYTHON" -m unittest -b); }
load() {
    MASKER=${CARGO_TARGET_DIR:-$PWD/target}/release/masker "$PYTHON" tests/gateways/load.py \
        --users "${USERS:-1 10 50 100 512}" --seconds "${SECONDS_EACH:-30}" --report target/load.html
}
# The version before this one: PREVIOUS= names a tag or commit, PREVIOUS_MASKER= a program.
previous() {
    local commit=${PREVIOUS:-$(cat tests/gateways/previous)} source=target/previous/source
    [ -z "${PREVIOUS_MASKER:-}" ] || return 0
    git cat-file -e "$commit^{commit}" 2>/dev/null ||
        { echo "masker: $commit is not in this repository; PREVIOUS= names the version before this one, or PREVIOUS_MASKER= its program" >&2; return 1; }
    rm -rf "$source" && mkdir -p "$source" && git archive "$commit" | tar -x -C "$source" &&
        CARGO_TARGET_DIR=$PWD/target/previous cargo build --locked --manifest-path "$source/Cargo.toml" --bin masker &&
        export PREVIOUS_MASKER=$PWD/target/previous/debug/masker
}
versions() { "$PYTHON" tests/gateways/versions.py 40 10; }
doc_tests() { cargo test --locked --doc; }
lints() { cargo clippy --locked --all-targets -- -D warnings; }
deny() { "$(scripts/install.sh cargo-deny)" --all-features --log-level error check bans licenses sources; }
docs() { RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps; }
schemas() { "$PYTHON" scripts/schemas.py; }
newest() {
    python3 -m venv .masker/schemas &&
        .masker/schemas/bin/python -m pip install -q --disable-pip-version-check --upgrade \
            anthropic openai google-genai boto3 && .masker/schemas/bin/python scripts/schemas.py
}
coverage() {
    PATH=$PWD/.masker/cargo/bin:$PATH
    command -v cargo-llvm-cov >/dev/null ||
        cargo install -q --locked --root .masker/cargo cargo-llvm-cov@0.9.1 || return
    # Without rustup, LLVM_COV and LLVM_PROFDATA name the tools.
    rustup component add llvm-tools >/dev/null 2>&1 || true
    cargo llvm-cov test --locked --lcov --output-path target/lcov.info &&
        "$PYTHON" scripts/coverage.py target/lcov.info
}

[ "$what" = fuzz ] || [ "$what" = schemas ] || step "outside tools" tools
case $what in
coverage) step "coverage" coverage ;;
fuzz) step "fuzzing" fuzz ;;
soak)
    step "soak" soak
    step "masker" cargo build --locked --bin masker
    step "${SOAK_STREAMS:-512} streams, while parts are killed" streams ;;
schemas) step "fields of the newest SDKs" newest ;;
load)
    step "masker" cargo build --release --locked --bin masker
    step "load" load ;;
gateways)
    step "masker" cargo build --locked --bin masker
    step "gateways" gateways ;;
versions)
    step "masker" cargo build --locked --bin masker
    step "the version before" previous
    step "two versions on one Redis" versions ;;
*)
    step "format" cargo fmt --check
    step "Envoy configurations" scripts/validate-envoy.sh
    step "fields of the SDKs" schemas
    step "lints" lints
    step "tests" tests
    step "gateways" gateways
    step "documentation tests" doc_tests
    step "documentation" docs
    step "licences, bans, sources" deny
    ;;
esac
if [ "$what" = all ]; then
    export PROPTEST_CASES=${PROPTEST_CASES:-5000} TURNS=${TURNS:-200}
    step "tests, $PROPTEST_CASES cases per property, $TURNS turns" tests
    step "fuzzing" fuzz
    step "soak" soak
    step "the version before" previous
    step "two versions on one Redis" versions
    step "compose" tests/compose/run.sh
fi
printf '\nAll passed in %s s:\n%s' "$SECONDS" "$times"
