#!/usr/bin/env bash
# Builds the images, starts docker-compose.yml with the mock provider, sends a
# request through it and checks what the provider and what the client saw; then
# stops it. Installs and starts Docker where there is none (Debian, Ubuntu).
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
compose() { scripts/compose.sh --profile mock "$@"; }

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
cargo build --release --locked --bin masker --example mock_provider
binaries=$state/bin
mkdir "$binaries"
cp "${CARGO_TARGET_DIR:-target}/release/masker" "${CARGO_TARGET_DIR:-target}/release/examples/mock_provider" "$binaries/"
tests/compose/images.sh "$binaries"
compose build >"$state/build.log" 2>&1 || { tail -n 20 "$state/build.log" >&2; fail "the images do not build"; }

say "starting"
compose up -d >"$state/up.log" 2>&1 || { tail -n 20 "$state/up.log" >&2; fail "the stack does not start"; }

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
for service in redis masker envoy; do healthy "$service"; done

# The provider is not published; what it saw is asked from inside its network.
mock=$(docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$(compose ps -q mock)")
python3 tests/compose/request.py "http://127.0.0.1:$PORT" "http://$mock:9000"

# Redis holds something, and nothing that can be read.
redis=$(compose ps -q redis)
password=$(cat .masker/compose/redis-password)
docker exec -e REDISCLI_AUTH="$password" "$redis" redis-cli --user masker ping | grep -q PONG || fail "masker's user cannot log in to Redis"
docker exec "$redis" redis-cli keys '*' 2>&1 | grep -q NOAUTH || fail "Redis answers without a password"
docker exec "$redis" sh -c 'cat /data/appendonlydir/*' >"$state/aof"
grep -aq 'm1:' "$state/aof" || fail "Redis stored no mapping"
if grep -aq 'i-0abc123def4567890' "$state/aof"; then fail "Redis holds an original value"; fi

# Only the gateway is published.
published=$(docker ps --filter "name=$COMPOSE_PROJECT_NAME" --format '{{.Ports}}' | tr ',' '\n' | grep -c -- '->' || true)
[ "$published" = 1 ] || fail "$published ports are published, expected 1"

# Nobody runs as root.
for service in redis masker envoy mock; do
    user=$(docker exec "$(compose ps -q "$service")" id -u)
    [ "$user" != 0 ] || fail "$service runs as root"
done

# Without masker nothing passes.
compose stop masker >/dev/null 2>&1
code=$(python3 tests/compose/request.py --status "http://127.0.0.1:$PORT")
[ "$code" = 503 ] || fail "without masker the gateway answered $code, expected 503"

say "stopping"
compose down -v -t 45 >"$state/down.log" 2>&1 || { tail -n 20 "$state/down.log" >&2; fail "the stack does not stop"; }
say "masked, restored, sealed, stopped"
