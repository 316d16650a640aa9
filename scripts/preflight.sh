#!/usr/bin/env bash
# Before a gateway starts: is what it starts with right? Changes nothing.
#
#   sudo make preflight ENVOY_CONFIG=/etc/masker/envoy.yaml MASKER_CONFIG=/etc/masker/masker.toml
#
#   ENVOY_CONFIG    what Envoy starts with                envoy/envoy.yaml
#   MASKER_CONFIG   what masker starts with               none: the defaults and the environment
#   ENVOY, MASKER   the programs                          those of the units, of the PATH, of .venv
#   ENVOY_GROUP     the group that may read its keys      masker-envoy
#   CERTIFICATES    files that must stay valid for thirty days
#
# As root, for files that the units masker and masker-envoy name, it looks with the eyes of
# the users of those units: what they cannot read is wrong. Else run it as the user that masker
# runs as, since it reads the key.
set -euo pipefail
fail() { echo "masker: $*" >&2; exit 1; }
case ${1:-} in
    '') ;;
    -h | --help) sed -n '2,/^set -e/s/^# \{0,1\}//p' "$0"; exit ;;
    *) fail "settings are variables here, and no argument: $1; --help lists them" ;;
esac
cd "$(dirname "$0")/.."
config=${ENVOY_CONFIG:-envoy/envoy.yaml}
group=${ENVOY_GROUP:-masker-envoy}
wrong=0

[ -f "$config" ] || fail "ENVOY_CONFIG names no file: $config; scripts/gateway.py prints one"
[ -r "$config" ] || fail "$(id -un) cannot read $config; run it with sudo"
[ -z "${MASKER_CONFIG:-}" ] || [ -r "$MASKER_CONFIG" ] || fail "MASKER_CONFIG names no file that $(id -un) can read: $MASKER_CONFIG"

# check NAME COMMAND...
check() {
    local name=$1 said
    shift
    if said=$("$@" 2>&1); then
        echo "ok     $name"
    else
        wrong=$((wrong + 1))
        echo "WRONG  $name"
        tail -n 6 <<<"$said" | sed 's/^/       /'
    fi
}

# unit NAME SETTING: what a unit says, if systemd knows it.
unit() { systemctl cat "$1.service" 2>/dev/null | sed -n "s/^$2=//p" | tail -n 1 || true; }

# belongs NAME FILE: is the unit started with this file?
belongs() { [[ " $(unit "$1" ExecStart) " == *" $2 "* ]]; }

# as USER COMMAND...: as this user, where root may and there is such a user.
as() {
    local user=$1
    shift
    if [ -n "$user" ] && [ "$(id -u)" = 0 ] && id "$user" >/dev/null 2>&1; then runuser -u "$user" -- "$@"; else "$@"; fi
}

envoy_user='' masker_user=''
if belongs masker-envoy "$config"; then
    envoy_user=$(unit masker-envoy User)
    started=$(unit masker-envoy ExecStart)
    ENVOY=${ENVOY:-${started%% *}}
    group=${ENVOY_GROUP:-$(unit masker-envoy Group)}
fi
if [ -n "${MASKER_CONFIG:-}" ] && belongs masker "$MASKER_CONFIG"; then
    masker_user=$(unit masker User)
    started=$(unit masker ExecStart)
    MASKER=${MASKER:-${started%% *}}
fi
MASKER=${MASKER:-masker}
# Nothing is installed here.
ENVOY=${ENVOY:-$(command -v envoy || echo .venv/bin/envoy)}

# program NAME PROGRAM
program() {
    command -v "$2" >/dev/null || { echo "there is no program $2; $1 names another one, docs/production.md says where it comes from"; return 1; }
}
valid() { as "$envoy_user" "$ENVOY" --mode validate -c "$config" --log-level error; }
masker_check() { as "$masker_user" "$MASKER" check ${MASKER_CONFIG:+--config "$MASKER_CONFIG"}; }
readable() { as "$envoy_user" test -r "$config" || { echo "$envoy_user cannot read it: chgrp $group $config; chmod 640 $config"; return 1; }; }
# Its group may read it, if that is Envoy's; nobody else.
private() {
    local mode owner
    grep -q 'api_key_auth' "$config" || return 0
    read -r mode owner < <(stat -Lc '%a %G' "$config")
    mode=$((8#$mode))
    if [ $((mode & 8#037)) != 0 ] || { [ $((mode & 8#040)) != 0 ] && [ "$owner" != "$group" ]; }; then
        echo "it holds keys of clients: chmod 600 $config; or, for the group that Envoy runs as, chgrp $group $config; chmod 640 $config"
        return 1
    fi
}
# The key that clients send is the gateway's own, and is taken off.
keyless() {
    grep -q '^[^#]*key_sources: \[{header: "x-api-key"}\]' "$config" && grep -q '^[^#]*hide_credentials: true' "$config" &&
        ! grep -Eq '^[^#]*(credential_injector|aws_request_signing)' "$config"
}

check "Envoy is there" program ENVOY "$ENVOY"
check "masker is there" program MASKER "$MASKER"
[ -z "$envoy_user" ] || check "$envoy_user can read $config" readable
! command -v "$ENVOY" >/dev/null || check "Envoy reads $config" valid
check "its locks are closed" scripts/locks.sh "$config"
check "nobody else reads its keys" private
! command -v "$MASKER" >/dev/null || check "masker's configuration" masker_check
! keyless || echo "note   clients' x-api-key is the gateway's own key, and nothing adds the provider's: who has no login of another" \
    "kind gets 401 from the provider. Add inject-key, or --set KEY_HEADER=x-gateway-key"
# Memory holds originals. The units close both by themselves, so these are no errors.
[ "$(ulimit -c)" = 0 ] || echo "note   core dumps are on here: LimitCORE=0, or ulimit -c 0"
[ -z "$(swapon --noheadings --show 2>/dev/null)" ] || echo "note   there is swap: MemorySwapMax=0, or encrypt it"
for file in ${CERTIFICATES:-}; do
    check "$file is valid for 30 days" openssl x509 -checkend 2592000 -noout -in "$file"
done
[ $wrong = 0 ] || { echo "preflight: $wrong wrong; do not start" >&2; exit 1; }
