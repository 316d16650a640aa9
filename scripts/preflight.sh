#!/usr/bin/env bash
# Before a gateway starts: is what it starts with right? Changes nothing.
#
#   make preflight ENVOY_CONFIG=/etc/masker/envoy.yaml MASKER_CONFIG=/etc/masker/masker.toml
#
# ENVOY and MASKER name the programs, CERTIFICATES a list of files that must stay valid
# for thirty days. Run it as the user that masker runs as: it reads the key.
set -euo pipefail
cd "$(dirname "$0")/.."
MASKER=${MASKER:-masker}
config=${ENVOY_CONFIG:-envoy/envoy.yaml}
wrong=0

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

valid() { "$ENVOY" --mode validate -c "$config"; }
masker_check() { "$MASKER" check ${MASKER_CONFIG:+--config "$MASKER_CONFIG"}; }
private() { ! grep -q 'api_key_auth' "$config" || [ -z "$(find "$config" -perm /077)" ] || { echo "it holds keys of clients: chmod 600 $config"; return 1; }; }

ENVOY=$(scripts/install.sh envoy)
check "Envoy reads $config" valid
check "its locks are closed" scripts/locks.sh "$config"
check "nobody else reads its keys" private
check "masker's configuration" masker_check
# Memory holds originals. The units close both by themselves, so these are no errors.
[ "$(ulimit -c)" = 0 ] || echo "note   core dumps are on here: LimitCORE=0, or ulimit -c 0"
[ -z "$(swapon --noheadings --show 2>/dev/null)" ] || echo "note   there is swap: MemorySwapMax=0, or encrypt it"
for file in ${CERTIFICATES:-}; do
    check "$file is valid for 30 days" openssl x509 -checkend 2592000 -noout -in "$file"
done
[ $wrong = 0 ] || { echo "preflight: $wrong wrong; do not start" >&2; exit 1; }
