#!/usr/bin/env bash
# Builds the images, starts docker-compose.yml with the mock provider, sends a
# request through it and checks what the provider and what the client saw; then
# stops it, and does so for the other profiles: run.sh [PROFILE]... With PROFILE=debug it
# takes what tests have built. Installs and starts Docker where there is none (Debian, Ubuntu).
set -euo pipefail
cd "$(dirname "$0")/../.."
fail() { echo "compose: $*" >&2; exit 1; }
say() { echo "compose: $*" >&2; }

if ! command -v dockerd >/dev/null && ! docker info >/dev/null 2>&1; then
    command -v apt-get >/dev/null || fail "Docker is missing"
    sudo=; [ "$(id -u)" = 0 ] || sudo=sudo
    { $sudo apt-get update -q && $sudo apt-get install -y -q --no-install-recommends docker.io docker-compose debootstrap iptables openssl; } >&2
fi
dockerd_pid=
state=$(mktemp -d)
if ! docker info >/dev/null 2>&1; then
    say "starting dockerd"
    dockerd --data-root "$state/data" --exec-root "$state/exec" -p "$state/pid" >"$state/log" 2>&1 &
    dockerd_pid=$!
    for _ in $(seq 60); do docker info >/dev/null 2>&1 && break; sleep 0.5; done
    docker info >/dev/null 2>&1 || { tail -n 5 "$state/log" >&2; fail "dockerd does not start"; }
fi

export COMPOSE_PROJECT_NAME=masker-test UPSTREAM=http://mock:9000
read -r PORT <<<"$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
export PORT
profiles=(--profile mock)
compose() { scripts/compose.sh "${profiles[@]}" "$@"; }

finish() {
    status=$?
    [ $status = 0 ] || compose logs --no-color --tail 20 >&2 || true
    compose down -v -t 45 >/dev/null 2>&1 || true
    # Nobody shall build on a stand-in later; images built on one have its label.
    docker images -q --filter label=masker.stand-in | sort -u | xargs -r docker rmi -f >/dev/null 2>&1 || true
    if [ -n "$dockerd_pid" ]; then
        kill "$dockerd_pid" 2>/dev/null || true
        wait "$dockerd_pid" || true
    fi
    rm -rf "$state" || true
}
trap finish EXIT

say "building"
built=${CARGO_TARGET_DIR:-target}/${PROFILE:-release}
profile=$([ "${PROFILE:-release}" = debug ] || echo --release)
cargo build ${profile:+"$profile"} --locked --bin masker --example mock_provider
binaries=$state/bin
mkdir "$binaries"
cp "$built/masker" "$built/examples/mock_provider" "$binaries/"
# As cargo leaves them in the Dockerfile.
strip "$binaries"/*
tests/compose/images.sh "$binaries"
compose build >"$state/build.log" 2>&1 || { tail -n 20 "$state/build.log" >&2; fail "the images do not build"; }

# The image for Kubernetes: it runs, it is small, and there is nothing in it to run but masker.
docker build -q -t masker-test-alone . >/dev/null || fail "the image without a shell does not build"
docker run --rm --read-only --cap-drop ALL --network none masker-test-alone --version | grep -q '^masker ' || fail "the image without a shell does not run"
if docker run --rm --network none --entrypoint sh masker-test-alone -c : >/dev/null 2>&1; then fail "the image without a shell has one"; fi
size=$(docker image inspect -f '{{.Size}}' masker-test-alone)
say "the image without a shell has $((size / 1000000)) MB"
# Without optimization it is larger.
[ "${PROFILE:-release}" = debug ] || [ "$size" -le 40000000 ] || fail "the image has $size bytes, at most 40 MB are allowed"

# healthy SERVICE: waits until its container says so, a minute at most.
healthy() {
    local id
    id=$(compose ps -q "$1")
    for _ in $(seq 120); do
        [ "$(docker inspect -f '{{.State.Health.Status}}' "$id")" = healthy ] && return
        sleep 0.5
    done
    fail "$1 does not become healthy"
}
# up [SERVICE]...: starts the profiles, and waits until the gateway is healthy.
up() {
    say "starting ${profiles[*]}"
    compose up -d "$@" >"$state/up.log" 2>&1 || { tail -n 20 "$state/up.log" >&2; fail "the stack does not start"; }
    for service in redis masker envoy; do healthy "$service"; done
}
down() {
    # Nobody runs as root, but who reads the log files of all.
    local container service
    for container in $(docker ps -q --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME"); do
        service=$(docker inspect -f '{{index .Config.Labels "com.docker.compose.service"}}' "$container")
        if [ "$service" != alloy ] && docker top "$container" -eo pid,uid | grep -qE '^ *[0-9]+ +0$'; then fail "$service runs as root"; fi
    done
    say "stopping"
    # A network may count a container that is gone a moment longer.
    compose down -v -t 45 >"$state/down.log" 2>&1 || { sleep 5; compose down -v >"$state/down.log" 2>&1; } || { tail -n 20 "$state/down.log" >&2; fail "the stack does not stop"; }
}
# The provider is not published; what it saw is asked from inside its network.
mock() { echo "http://$(docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$(compose ps -q mock)"):9000"; }
# stored SERVICE...: one of them wrote a mapping, and none a value. A masker that started before
# its store asks again after half a minute, and stores what it has.
stored() {
    local found=
    for _ in $(seq 30); do
        for service in "$@"; do
            if docker exec "$(compose ps -q "$service")" grep -aqr 'm1:' /data; then found=1; fi
        done
        [ -z "$found" ] || break
        sleep 2
    done
    [ -n "$found" ] || fail "Redis stored no mapping"
    for service in "$@"; do
        docker exec "$(compose ps -q "$service")" sh -c 'cat /data/*/*.aof' >"$state/aof" || fail "$service wrote no file"
        if grep -aq 'i-0abc123def4567890' "$state/aof"; then fail "$service holds an original value"; fi
    done
}

# How often mappings were written on these servers.
written() {
    for service in "$@"; do
        docker exec "$(compose ps -q "$service")" sh -c 'cat /data/*/*.aof' | { grep -ao 'm1:' || true; }
    done | wc -l
}

mock_stack() {
    up
    python3 tests/compose/request.py "http://127.0.0.1:$PORT" "$(mock)"

    # Redis holds something, and nothing that can be read.
    redis=$(compose ps -q redis)
    password=$(cat .masker/compose/redis-password)
    docker exec -e REDISCLI_AUTH="$password" "$redis" redis-cli --user masker ping | grep -q PONG || fail "masker's user cannot log in to Redis"
    docker exec "$redis" redis-cli keys '*' 2>&1 | grep -q NOAUTH || fail "Redis answers without a password"
    stored redis

    # Only the gateway is published.
    published=$(docker ps --filter "name=$COMPOSE_PROJECT_NAME" --format '{{.Ports}}' | tr ',' '\n' | grep -c -- '->' || true)
    [ "$published" = 1 ] || fail "$published ports are published, expected 1"

    # Without masker nothing passes.
    compose stop masker >/dev/null 2>&1
    code=$(python3 tests/compose/request.py --status "http://127.0.0.1:$PORT")
    [ "$code" = 503 ] || fail "without masker the gateway answered $code, expected 503"
    down
}

sentinel_stack() {
    up
    for number in 1 2 3; do healthy "sentinel-$number"; done
    python3 tests/compose/request.py "http://127.0.0.1:$PORT" "$(mock)"
    stored redis replica
    down
}

cluster_stack() {
    up
    healthy cluster
    healthy masker
    python3 tests/compose/request.py "http://127.0.0.1:$PORT" "$(mock)"
    stored redis redis-2 redis-3
    # New addresses for all of them: the cluster is made whole again, and written to.
    local before whole=
    before=$(written redis redis-2 redis-3)
    compose stop -t 5 redis redis-2 redis-3 redis-4 redis-5 redis-6 >/dev/null 2>&1
    compose start redis-6 redis-5 redis-4 redis-3 redis-2 redis >/dev/null 2>&1
    for _ in $(seq 60); do
        docker exec "$(compose ps -q cluster)" sh -c \
            'REDISCLI_AUTH=$(cat /run/secrets/redis_cluster_password) redis-cli --user cluster -h redis-3 cluster info' | grep -q cluster_state:ok && whole=ok && break
        sleep 1
    done
    [ -n "$whole" ] || fail "the cluster is not made whole again"
    VALUE=i-0abc123def4567891 python3 tests/compose/request.py "http://127.0.0.1:$PORT" "$(mock)"
    for _ in $(seq 60); do
        [ "$(written redis redis-2 redis-3)" -le "$before" ] || break
        sleep 1
    done
    [ "$(written redis redis-2 redis-3)" -gt "$before" ] || fail "the cluster that was made whole again is not written to"
    down
}

tls_stack() {
    up
    SSL_CERT_FILE=.masker/compose/tls/gateway.crt python3 tests/compose/request.py "https://127.0.0.1:$PORT" "$(mock)"
    if python3 tests/compose/request.py --status "http://127.0.0.1:$PORT" >/dev/null 2>&1; then fail "a request without TLS got an answer"; fi
    down
}

# Without Grafana, which Debian does not have: it shows what Prometheus has.
monitoring_stack() {
    up envoy masker redis mock prometheus alertmanager
    python3 tests/compose/request.py "http://127.0.0.1:$PORT" "$(mock)"
    local target
    for _ in $(seq 60); do
        target=$(docker exec "$(compose ps -q prometheus)" wget -qO- 'http://127.0.0.1:9090/api/v1/query?query=up' 2>/dev/null || true)
        case $target in *'"job":"masker"'*',"1"]'*) break ;; esac
        sleep 1
    done
    case $target in *'"job":"masker"'*',"1"]'*) ;; *) fail "Prometheus does not see masker: $target" ;; esac
    down
}

load_stack() {
    UPSTREAM=http://load-provider:9000 USERS="1 5" SECONDS_EACH=5 up
    [ "$(docker wait "$(compose ps -qa load 2>/dev/null || compose ps -q load)")" = 0 ] || fail "load: $(compose logs --no-color load | tail -n 5)"
    down
}

for profile in "${@:-mock sentinel cluster tls monitoring load}"; do
    for each in $profile; do
        profiles=(--profile mock)
        case $each in mock) ;; load) profiles=(--profile load) ;; *) profiles+=(--profile "$each") ;; esac
        "${each}_stack"
    done
done
say "masked, restored, sealed, stopped"
