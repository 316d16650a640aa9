#!/usr/bin/env bash
# Starts a mock provider and the whole chain on free ports, sends one request and
# shows what you sent, what the provider saw and what you got back. It builds both
# programs first, which takes minutes the first time; MASKER and MOCK_PROVIDER
# (`cargo build --example mock_provider`) name those that are built already.
set -euo pipefail
fail() { echo "masker: $*" >&2; exit 1; }
case ${1:-} in
    '') ;;
    -h | --help) sed -n '2,/^set -e/s/^# \{0,1\}//p' "$0"; exit ;;
    *) fail "make demo takes no argument: $1; --help says what it does" ;;
esac
cd "$(dirname "$0")/.."
command -v python3 >/dev/null || fail "python3 is missing (apt-get install python3 python3-venv)"

state=.masker/demo
mkdir -p "$state"
rm -f "$state"/ready
read -r port health listen admin mock <<<"$(python3 - <<'PY'
import socket
held = [socket.socket() for _ in range(5)]
for each in held:
    each.bind(("127.0.0.1", 0))
print(*(each.getsockname()[1] for each in held))
PY
)"

built=${CARGO_TARGET_DIR:-target}/release
mock_provider=${MOCK_PROVIDER:-$built/examples/mock_provider}
wanted=()
[ -n "${MOCK_PROVIDER:-}" ] || wanted+=(--example mock_provider)
[ -n "${MASKER:-}" ] || wanted+=(--bin masker)
for name in MASKER MOCK_PROVIDER; do
    [ -z "${!name:-}" ] || command -v "${!name}" >/dev/null || fail "$name names no program: ${!name}"
done
if [ ${#wanted[@]} -gt 0 ]; then
    command -v cargo >/dev/null || fail "cargo is missing (https://rustup.rs); it builds the mock provider; MASKER and MOCK_PROVIDER name programs that are built"
    # The example is a program of the same crate: with MASKER set, its library is built all the same.
    [ -x "$mock_provider" ] || echo "masker: building ${wanted[*]} with cargo, which takes minutes the first time" >&2
    cargo build --release "${wanted[@]}" || fail "the build failed"
fi
"$mock_provider" --listen "127.0.0.1:$mock" >"$state/mock.log" 2>&1 &
mock_pid=$!
STATE=$state PORT=$port HEALTH_PORT=$health MASKER_LISTEN=127.0.0.1:$listen MASKER_ADMIN=127.0.0.1:$admin \
    STORE=memory UPSTREAM=http://127.0.0.1:$mock READY_FILE=$state/ready MASKER=${MASKER:-$built/masker} scripts/run.sh >"$state/run.log" 2>&1 &
run_pid=$!
trap 'kill "$run_pid" "$mock_pid" 2>/dev/null || true; wait 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM

until [ -e "$state/ready" ]; do
    kill -0 "$run_pid" 2>/dev/null || { cat "$state/run.log" >&2; fail "the chain did not start"; }
    sleep 0.2
done
python3 scripts/demo.py "http://127.0.0.1:$port" "http://127.0.0.1:$mock"
