#!/usr/bin/env bash
# Builds and starts masker and Envoy, and stops both on Ctrl-C.
#
#   PORT            where clients connect                 8085
#   HEALTH_PORT     Envoy's /healthz                      PORT + 1
#   UPSTREAM        the provider                          https://api.anthropic.com
#   STORE           memory or redis://...                 memory
#   STATE           key, logs                             .masker
#   MASKER_LISTEN   where Envoy reaches masker            127.0.0.1:50051
#   MASKER_ADMIN    health, metrics, dashboard            127.0.0.1:9400
#   MASKER_KEY_FILE a master key or a ring; made if new   STATE/key, unless the
#                   configuration has key_file or key_command
#   MASKER          the program, where it is built already; else it is built here
#   ENVOY           your own Envoy, 1.40 or newer
#   MASKER_CONFIG, MASKER_KEY, SIGN_REGION, CA_BUNDLE
#   READY_FILE      is written when both are healthy (for scripts)
set -euo pipefail
fail() { echo "masker: $*" >&2; exit 1; }
case ${1:-} in
    '') ;;
    -h | --help) sed -n '2,/^set -e/s/^# \{0,1\}//p' "$0"; exit ;;
    *) fail "make run takes settings, as in make run PORT=8185, and no argument: $1; --help lists them" ;;
esac
cd "$(dirname "$0")/.."

# port NAME NUMBER
port() {
    [[ $2 =~ ^[1-9][0-9]{0,4}$ && $2 -le 65535 ]] || fail "$1 is no port: $2; it is a number from 1 to 65535"
}

# address NAME VALUE
address() {
    [[ $2 =~ ^[A-Za-z0-9._-]+:([0-9]+)$ ]] || fail "$1 is no address: $2; here it is HOST:PORT, as in 127.0.0.1:50051"
    port "$1" "${BASH_REMATCH[1]}"
}

PORT=${PORT:-8085}
port PORT "$PORT"
STATE=${STATE:-.masker}
export PORT HEALTH_PORT=${HEALTH_PORT:-$((PORT + 1))}
port "HEALTH_PORT (PORT + 1 if it is not set)" "$HEALTH_PORT"
[ "$PORT" != "$HEALTH_PORT" ] || fail "PORT and HEALTH_PORT are both $PORT; choose two"
export MASKER_LISTEN=${MASKER_LISTEN:-127.0.0.1:50051}
export MASKER_ADMIN=${MASKER_ADMIN:-127.0.0.1:9400}
address MASKER_LISTEN "$MASKER_LISTEN"
address MASKER_ADMIN "$MASKER_ADMIN"
[ -z "${STORE:-}" ] || export MASKER_STORE=$STORE
# Does the configuration say where the keys come from? Sections may have a key_file of another kind.
names_keys() {
    [ -n "${MASKER_CONFIG:-}" ] && [ -f "$MASKER_CONFIG" ] &&
        sed '/^[[:space:]]*\[/,$d' "$MASKER_CONFIG" | grep -Eq "^[[:space:]]*[\"']?key_(file|command)[\"']?[[:space:]]*="
}
# MASKER_KEY holds the keys themselves.
[ -n "${MASKER_KEY:-}" ] || names_keys || export MASKER_KEY_FILE=${MASKER_KEY_FILE:-$STATE/key}
export ENVOY_ADMIN_SOCKET=$STATE/envoy-admin.sock

# Who listens there? Both also find out by themselves, but later and less clearly.
free() {
    if (exec 3<>"/dev/tcp/${2%:*}/${2##*:}") 2>/dev/null; then
        fail "port ${2##*:}, for $1, is in use; choose another one: $3"
    fi
}

# status ADDRESS PATH: the status of a GET, nothing while nobody answers.
status() {
    (
        exec 3<>"/dev/tcp/${1%:*}/${1##*:}" || exit
        printf 'GET %s HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n' "$2" >&3
        IFS=' ' read -r -t 5 _ code _ <&3 && echo "$code"
    ) 2>/dev/null || true
}

[ -n "${MASKER:-}" ] || command -v cargo >/dev/null ||
    fail "cargo is missing (https://rustup.rs); install it, or name a program that is built: MASKER=/usr/bin/masker make run"
[ -z "${MASKER:-}" ] || command -v "$MASKER" >/dev/null || fail "MASKER names no program: $MASKER"
free Envoy "127.0.0.1:$PORT" "make run PORT=8185"
free Envoy "127.0.0.1:$HEALTH_PORT" "make run HEALTH_PORT=8186"
free masker "$MASKER_LISTEN" "MASKER_LISTEN=127.0.0.1:50061 make run"
free masker "$MASKER_ADMIN" "MASKER_ADMIN=127.0.0.1:9410 make run"
mkdir -p "$STATE"
chmod 700 "$STATE"
config=$STATE/envoy.yaml
scripts/render.sh >"$config"
ENVOY=$(scripts/install.sh envoy)
[[ $("$ENVOY" --version 2>/dev/null) == *version:* ]] || fail "ENVOY is no Envoy: $ENVOY; unset it, or name one that is 1.40 or newer"

masker=${MASKER:-${CARGO_TARGET_DIR:-target}/release/masker}
[ -n "${MASKER:-}" ] || cargo build --release --bin masker || fail "the build failed"

if [ -z "${MASKER_KEY:-}" ] && [ -n "${MASKER_KEY_FILE:-}" ] && [ ! -e "$MASKER_KEY_FILE" ]; then
    "$masker" keys new --out "$MASKER_KEY_FILE" >/dev/null
    chmod 600 "$MASKER_KEY_FILE"
    echo "masker: new master key in $MASKER_KEY_FILE; without it nobody can restore what it masked"
fi
# The program itself says what it accepts: keys, rings, addresses, the configuration, and
# what that names.
wrong=$("$masker" check --files 2>&1) || fail "this is wrong; mend it and start again:
$(sed "s/^masker: //" <<<"$wrong")"

masker_pid='' envoy_pid=''

stop() {
    local pid
    # Envoy first: it ends the exchanges that masker still serves.
    for pid in $envoy_pid $masker_pid; do kill -TERM "$pid" 2>/dev/null || true; done
    for pid in $envoy_pid $masker_pid; do wait "$pid" 2>/dev/null || true; done
    rm -f "${READY_FILE:-}" "$ENVOY_ADMIN_SOCKET"
}

died() {
    echo "masker: $1 has stopped; the end of $STATE/$1.log:" >&2
    tail -n 10 "$STATE/$1.log" >&2
    exit 1
}

# Ends the program if one of the two has ended.
alive() {
    [ -z "$masker_pid" ] || kill -0 "$masker_pid" 2>/dev/null || died masker
    [ -z "$envoy_pid" ] || kill -0 "$envoy_pid" 2>/dev/null || died envoy
}

# healthy NAME ADDRESS PATH
healthy() {
    local tries=0
    until [ "$(status "$2" "$3")" = 200 ]; do
        alive
        tries=$((tries + 1))
        if [ $tries -gt 150 ]; then
            echo "masker: $1 is not healthy after 30 s; the end of $STATE/$1.log:" >&2
            tail -n 10 "$STATE/$1.log" >&2
            exit 1
        fi
        sleep 0.2
    done
}

trap stop EXIT
trap 'echo; echo "masker: stopping"; exit 0' INT TERM HUP

"$masker" serve >"$STATE/masker.log" 2>&1 &
masker_pid=$!
healthy masker "$MASKER_ADMIN" /readyz
# It starts without its store; what does not work then is told here, too.
if [ "$(grep -c 'starting degraded' "$STATE/masker.log")" != 0 ]; then
    echo "masker: the mapping store does not answer: masking goes on, but batches, files and stored
masker: responses are refused, and what is masked now is lost if masker ends before the store is
masker: back. Start it, or mend STORE; masker goes on with it by itself. What is wrong:
masker:   ${masker} doctor${MASKER_CONFIG:+ --config $MASKER_CONFIG}${STORE:+ --store URL}${MASKER_KEY_FILE:+ --key-file $MASKER_KEY_FILE}" >&2
fi
"$ENVOY" -c "$config" --use-dynamic-base-id --log-level warning >"$STATE/envoy.log" 2>&1 &
envoy_pid=$!
healthy envoy "127.0.0.1:$HEALTH_PORT" /healthz
[ -z "${READY_FILE:-}" ] || echo ready >"$READY_FILE"

cat <<TEXT

Ready. In the terminal where you work:

  export ANTHROPIC_BASE_URL=http://localhost:$PORT
  export CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1

Provider: ${UPSTREAM:-https://api.anthropic.com}   Logs: $STATE/*.log   Metrics: http://$MASKER_ADMIN/metrics
Ctrl-C stops both.
TEXT

while :; do
    alive
    sleep 0.5
done
