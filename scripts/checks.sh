#!/usr/bin/env bash
# Scheduled checks of a gateway: scripts/checks.sh health | system | regression | always
#
#   health      the gateway answers and a masker is healthy behind it    each 60 s
#   system      load, memory, disk                                       each 30 s
#   regression  `masker verify`: planted values, and none arrives        each 4 h
#   always      all of them at their times, until it is stopped (compose; systemd has timers)
#
# Each writes CHECKS_DIR/masker-NAME.prom, which Prometheus's node exporter shows
# (--collector.textfile.directory): when the check last ran, and when it last succeeded.
# GATEWAY, HEALTH (http://HOST:PORT/PATH), VERIFY_LISTEN and MASKER (the program) say where
# everything is. Where the gateway wants TLS or knows its clients, `masker verify` needs more:
#
#   VERIFY_CA                  the authority of the gateway's certificate (tls, mtls)
#   VERIFY_CERT, VERIFY_KEY    a client certificate and its key (mtls)
#   VERIFY_HEADERS             a file with lines `name: value` (api-keys, jwt), for its owner alone
set -euo pipefail
CHECKS_DIR=${CHECKS_DIR:-/var/lib/masker-checks}
GATEWAY=${GATEWAY:-http://127.0.0.1:8085}
HEALTH=${HEALTH:-http://127.0.0.1:8086/healthz}
fail() { echo "checks: $*" >&2; exit 1; }

# Does this URL answer 200 within five seconds?
health() {
    [[ $HEALTH =~ ^http://([^/:]+):([0-9]+)(/.*)$ ]] || fail "HEALTH is http://HOST:PORT/PATH: $HEALTH"
    # shellcheck disable=SC2016 # the inner shell expands it
    timeout 5 bash -c '
        exec 3<>"/dev/tcp/$0/$1"
        printf "GET %s HTTP/1.1\r\nhost: health\r\nconnection: close\r\n\r\n" "$2" >&3
        read -r line <&3
        [[ $line == "HTTP/1.1 200"* ]]' "${BASH_REMATCH[@]:1}" 2>/dev/null
}

# Figures, as metrics; fails where they cannot be read.
system() {
    local load total available blocks free
    read -r load _ </proc/loadavg
    total=$(awk '/^MemTotal:/ { print $2 }' /proc/meminfo)
    available=$(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo)
    read -r blocks free < <(df -Pk "$CHECKS_DIR" | awk 'NR == 2 { print $2, $4 }')
    [ -n "$total" ] && [ -n "$available" ] && [ "$blocks" -gt 0 ] || return 1
    figures="masker_system_load1 $load
masker_system_memory_available_ratio $(awk "BEGIN { print $available / $total }")
masker_system_disk_free_ratio $(awk "BEGIN { print $free / $blocks }")
"
}

# What it found is said only if it failed; the report holds no value.
regression() {
    local program=${MASKER:-masker} said more=()
    command -v "$program" >/dev/null || { echo "checks: there is no program $program; MASKER names it" >&2; return 1; }
    [ -z "${VERIFY_CA:-}" ] || more+=(--ca "$VERIFY_CA")
    [ -z "${VERIFY_CERT:-}" ] || more+=(--cert "$VERIFY_CERT")
    [ -z "${VERIFY_KEY:-}" ] || more+=(--key "$VERIFY_KEY")
    [ -z "${VERIFY_HEADERS:-}" ] || more+=(--header-file "$VERIFY_HEADERS")
    said=$("$program" verify "$GATEWAY" --listen "${VERIFY_LISTEN:-127.0.0.1:8087}" "${more[@]}") ||
        { [ -z "$said" ] || echo "$said" >&2; return 1; }
}

# Before the first check: can what it finds be written?
writable() {
    [ -d "$CHECKS_DIR" ] || fail "CHECKS_DIR, $CHECKS_DIR, is no directory; make it, or name another one"
    [ -w "$CHECKS_DIR" ] || fail "CHECKS_DIR, $CHECKS_DIR, cannot be written by $(id -un); give it to that user, or name another one"
}

# The value of a metric as it was last written; 0: never.
before() {
    local value=0
    if [ -f "$1" ]; then value=$(awk -v name="$2" 'index($1, name "{") == 1 { print $2 }' "$1"); fi
    echo "${value:-0}"
}

# run NAME: one check, and what it came to.
run() {
    local name=$1 file="$CHECKS_DIR/masker-$1.prom" now success result=0
    figures=
    "$name" || result=1
    now=$(date +%s)
    if [ $result = 0 ]; then success=$now; else success=$(before "$file" masker_check_success_time_seconds); fi
    # Whoever reads it sees the old or the new one, whole.
    {
        printf 'masker_check_success_time_seconds{check="%s"} %s\n' "$name" "$success"
        printf 'masker_check_run_time_seconds{check="%s"} %s\n' "$name" "$now"
        printf '%s' "$figures"
    } >"$file.tmp$$"
    mv "$file.tmp$$" "$file"
    [ $result = 0 ] || echo "checks: $name failed" >&2
    return $result
}

case ${1:-} in
    health | system | regression) writable; run "$1" ;;
    always)
        writable
        turn=0
        while true; do
            # The third without waiting for it: it may take longer than a turn.
            [ $((turn % 480)) != 0 ] || run regression &
            [ $((turn % 2)) != 0 ] || run health || true
            run system || true
            turn=$((turn + 1))
            sleep 30
        done ;;
    -h | --help) sed -n '2,/^set -e/s/^# \{0,1\}//p' "$0" ;;
    *) fail "usage: scripts/checks.sh health | system | regression | always" ;;
esac
