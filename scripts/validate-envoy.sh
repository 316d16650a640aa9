#!/usr/bin/env bash
# Lets the real Envoy ($ENVOY) check the files in envoy/, every variant of run.yaml
# and every part of envoy/with/, and checks that each has all its locks.
set -euo pipefail
cd "$(dirname "$0")/.."
ENVOY=${ENVOY:-$(scripts/install.sh envoy)}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

validate() {
    if "$ENVOY" --mode validate -c "$2" >"$dir/log" 2>&1; then
        echo "ok      $1"
    else
        echo "invalid $1" >&2
        tail -n 5 "$dir/log" >&2
        exit 1
    fi
}

scripts/certs.sh "$dir/tls" >/dev/null
validate envoy/envoy.yaml envoy/envoy.yaml
scripts/render.sh >"$dir/https.yaml"
validate "envoy/run.yaml, https provider" "$dir/https.yaml"
UPSTREAM=http://127.0.0.1:9000 PORT=18085 scripts/render.sh >"$dir/http.yaml"
validate "envoy/run.yaml, http provider" "$dir/http.yaml"
TLS_DIR=$dir/tls MASKER_LISTEN=masker:50051 ADDRESS=0.0.0.0 scripts/render.sh >"$dir/mtls.yaml"
validate "envoy/run.yaml, mTLS to masker" "$dir/mtls.yaml"
UPSTREAM=https://bedrock-runtime.us-east-1.amazonaws.com SIGN_REGION=us-east-1 scripts/render.sh >"$dir/sign.yaml"
validate "envoy/run.yaml, signing for Bedrock" "$dir/sign.yaml"
validate envoy/minimal.yaml envoy/minimal.yaml

# Every part of envoy/with/, with what it needs, then many at once.
cp "$dir/tls/masker.crt" "$dir/tls/gateway.crt"
cp "$dir/tls/masker.key" "$dir/tls/gateway.key"
cp "$dir/tls/ca.crt" "$dir/tls/clients-ca.crt"
echo '{"keys":[{"kty":"oct","kid":"a","alg":"HS256","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}]}' >"$dir/jwks.json"
echo key >"$dir/provider-key"
# gateway FILE PART...
gateway() {
    local file=$1 settings=() part
    shift
    for part in "$@"; do
        case $part in
            tls | mtls) settings+=(--set "TLS_DIR=$dir/tls") ;;
            allow) settings+=(--set ALLOW=10.0.0.0/8,127.0.0.1/32) ;;
            api-keys) settings+=(--set CLIENTS=alice=key-of-alice,bob=key-of-bob) ;;
            jwt) settings+=(--set ISSUER=https://id.example --set "JWKS=$dir/jwks.json") ;;
            inject-key) settings+=(--set "KEY_FILE=$dir/provider-key") ;;
            processors) settings+=(--set PROCESSORS=10.0.0.1:50051,10.0.0.2:50051 --set "PROC_TLS_DIR=$dir/tls") ;;
        esac
    done
    scripts/gateway.py "$@" "${settings[@]}" >"$dir/$file.yaml"
    validate "envoy/with: $*" "$dir/$file.yaml"
}
for part in envoy/with/*.yaml; do
    name=$(basename "$part" .yaml)
    case $name in
        inject-key | limit-*) gateway "with-$name" api-keys "$name" ;;
        *) gateway "with-$name" "$name" ;;
    esac
done
gateway with-many allow mtls inject-key limit-global processors
gateway with-others allow tls jwt limit-tenant providers unix-socket

if grep -n '@[A-Z_]*@' "$dir"/*.yaml; then
    echo "a placeholder of envoy/run.yaml was not filled in" >&2
    exit 1
fi

# A valid file can still be an open one.
scripts/locks.sh envoy/envoy.yaml envoy/minimal.yaml "$dir"/*.yaml
echo "ok      locks"
