#!/usr/bin/env bash
# Prints the Envoy configuration that envoy/run.yaml describes.
#
#   UPSTREAM=https://api.anthropic.com PORT=8085 scripts/render.sh >envoy.yaml
#
# Environment: UPSTREAM, ADDRESS, PORT, HEALTH_PORT, VERIFY_PORT (where `masker verify`
# listens), MASKER_LISTEN (host:port of the processor), ENVOY_ADMIN_SOCKET, CA_BUNDLE, TLS_DIR (mTLS to the processor),
# SIGN_REGION (signs for Bedrock in this region).
set -euo pipefail
fail() { echo "masker: $*" >&2; exit 1; }
case ${1:-} in
    '') ;;
    -h | --help) sed -n '2,/^set -e/s/^# \{0,1\}//p' "$0"; exit ;;
    *) fail "settings are variables here, and no argument: $1; --help lists them" ;;
esac
cd "$(dirname "$0")/.."

UPSTREAM=${UPSTREAM:-https://api.anthropic.com}
UPSTREAM=${UPSTREAM%/}
PORT=${PORT:-8085}
MASKER_LISTEN=${MASKER_LISTEN:-127.0.0.1:50051}

number() {
    [[ $2 =~ ^[1-9][0-9]{0,4}$ && $2 -le 65535 ]] || fail "$1 is not a port number: $2; it is one from 1 to 65535"
}
number PORT "$PORT"

# What goes into the file is checked against the letters that a name or address has,
# so nothing of YAML or sed gets in with it.
case $UPSTREAM in
    https://*) scheme=https port=443 ;;
    http://*) scheme=http port=80 ;;
    *) fail "UPSTREAM must begin with http:// or https://: $UPSTREAM" ;;
esac
authority=${UPSTREAM#*://}
case $authority in
    '' | *[!A-Za-z0-9.:_-]*) fail "UPSTREAM is a scheme, a host and at most a port, as in http://127.0.0.1:9000: $UPSTREAM" ;;
esac
host=${authority%%:*}
[ "$host" = "$authority" ] || port=${authority#*:}
number "the port of UPSTREAM" "$port"
HEALTH_PORT=${HEALTH_PORT:-$((PORT + 1))}
number HEALTH_PORT "$HEALTH_PORT"
VERIFY_PORT=${VERIFY_PORT:-8087}
number VERIFY_PORT "$VERIFY_PORT"
number "the port of MASKER_LISTEN" "${MASKER_LISTEN##*:}"

if [ -z "${CA_BUNDLE:-}" ]; then
    CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt              # Debian, Ubuntu
    [ -f "$CA_BUNDLE" ] || CA_BUNDLE=/etc/ssl/cert.pem        # macOS
else
    # Of a container's this machine knows nothing.
    [ $scheme = http ] || [ -n "${TLS_DIR:-}" ] || [ -r "$CA_BUNDLE" ] || fail "CA_BUNDLE cannot be read: $CA_BUNDLE; it names a file of authorities, PEM"
fi
case $CA_BUNDLE in *[!A-Za-z0-9./_-]*) fail "CA_BUNDLE is a path of letters, digits and ./_-: $CA_BUNDLE" ;; esac

# Sections that do not apply.
unused=https
[ $scheme = http ] || unused=http
drop="/# \\[$unused\$/,/# $unused]\$/d"
# In the path of Bedrock stand ARNs of models, whose slashes are escaped.
if [ -n "${SIGN_REGION:-}" ]; then
    [[ $SIGN_REGION =~ ^[a-z]{2,3}(-[a-z]+){1,3}-[0-9]{1,2}$ ]] || fail "SIGN_REGION is no region: $SIGN_REGION; it is one as in us-east-1"
    drop="$drop;s/path_with_escaped_slashes_action: REJECT_REQUEST/path_with_escaped_slashes_action: KEEP_UNCHANGED/"
else
    drop="$drop;/# \\[sign\$/,/# sign]\$/d"
fi
[ -n "${TLS_DIR:-}" ] || drop="$drop;/# \\[mtls\$/,/# mtls]\$/d"

awk '
    # First file: remember the parts. Second file: put them in their places.
    FNR == NR && $1 == "#" && $2 == "part" { name = $3 }
    FNR == NR && name { part[name] = part[name] $0 "\n" }
    FNR == NR && $1 == "#" && $2 == "end" { name = "" }
    FNR == NR { next }
    $1 == "#" && $2 == "part" {
        if (!($3 in part)) { print "no such part: " $3 > "/dev/stderr"; exit 1 }
        printf "%s", part[$3]
        next
    }
    { print }
' envoy/envoy.yaml envoy/run.yaml | sed -e "$drop" \
    -e "s|@ADMIN_SOCKET@|${ENVOY_ADMIN_SOCKET:-.masker/envoy-admin.sock}|" \
    -e "s|@ADDRESS@|${ADDRESS:-127.0.0.1}|" \
    -e "s|@PORT@|$PORT|" \
    -e "s|@HEALTH_PORT@|$HEALTH_PORT|" \
    -e "s|@VERIFY_PORT@|$VERIFY_PORT|" \
    -e "s|@UPSTREAM_AUTHORITY@|$authority|" \
    -e "s|@UPSTREAM_HOST@|$host|" \
    -e "s|@UPSTREAM_PORT@|$port|" \
    -e "s|@MASKER_HOST@|${MASKER_LISTEN%:*}|" \
    -e "s|@MASKER_PORT@|${MASKER_LISTEN##*:}|" \
    -e "s|@SIGN_REGION@|${SIGN_REGION:-}|" \
    -e "s|@CA_BUNDLE@|$CA_BUNDLE|" \
    -e "s|@TLS_DIR@|${TLS_DIR:-}|"
