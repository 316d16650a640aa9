#!/usr/bin/env bash
# Has each of these configurations of Envoy all that keeps unmasked bytes from leaving?
# scripts/locks.sh FILE... It reads text, so it also sees what `envoy --mode validate`
# finds correct; it knows the files that scripts/gateway.py and render.sh print.
set -euo pipefail
fail() { echo "locks: $*" >&2; exit 1; }
[ $# -gt 0 ] || fail "usage: scripts/locks.sh FILE..."

for file in "$@"; do
    for lock in 'failure_mode_allow: false' 'observability_mode: false' 'allow_mode_override: false' \
        'request_body_mode: FULL_DUPLEX_STREAMED' 'response_body_mode: FULL_DUPLEX_STREAMED' \
        'metadata_matcher: {filter: masker, path: \[{key: ok}\], value: {bool_match: true}}' \
        'remove: x-masker-tenant' 'healthy_panic_threshold: {value: 0}' \
        'ext_proc_fail_close_spurious_resp: true' 'direct_response: {status: 404}'; do
        grep -q "^[^#]*$lock" "$file" || fail "$file lacks: $lock"
    done
    for opening in typed_per_filter_config upgrade_configs 'failure_mode_allow: true' admin_layer 'path: \[{key: bypass}\]'; do
        if grep -n "^[^#]*$opening" "$file"; then fail "$file must not have: $opening"; fi
    done
    # The one that is allowed belongs to the stream to masker.
    [ "$(grep -c '^[^#]*retry_policy' "$file")" -le 1 ] || fail "$file: a route must not retry"
    # The proof is asked for behind masker, not in front of it.
    awk '/^[^#]*name: envoy.filters.http.ext_proc/ { masker = NR }
        /^[^#]*filter: masker, path: \[{key: ok}\]/ { proof = NR }
        /^[^#]*name: envoy.filters.http.router/ && proof && !router { router = NR }
        END { exit !(masker && masker < proof && proof < router) }' "$file" ||
        fail "$file: the order must be ext_proc, the proof, the router"
done
