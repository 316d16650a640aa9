#!/usr/bin/env bash
# docker compose with what docker-compose.yml needs: scripts/compose.sh up -d
#
# Makes once, in .masker/compose: the master key, the password of Redis, the
# certificates between Envoy and masker. UPSTREAM says where Envoy sends to.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=.masker/compose
fail() { echo "masker: $*" >&2; exit 1; }

if docker compose version >/dev/null 2>&1; then compose=(docker compose)
elif command -v docker-compose >/dev/null; then compose=(docker-compose)
else fail "docker compose is missing"
fi

umask 077
mkdir -p "$dir"
scripts/certs.sh "$dir/tls" >/dev/null
hex() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
[ -s "$dir/key" ] || hex >"$dir/key"
[ -s "$dir/redis-password" ] || hex >"$dir/redis-password"
# Redis gets the password's hash, and masker's user no more than masker uses.
hash=$(tr -d '\n' <"$dir/redis-password" | openssl dgst -sha256 | sed 's/.*= *//')
cat >"$dir/users.acl" <<ACL
user default off
user masker on #$hash ~m1:* resetchannels -@all +@connection +get +set +expire
ACL

# A container that runs keeps its upstream, also when it starts again.
case " $* " in
    *' up '* | *' create '*)
        ADDRESS=0.0.0.0 PORT=8085 HEALTH_PORT=8086 MASKER_LISTEN=masker:50051 TLS_DIR=/run/secrets \
            CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt ENVOY_ADMIN_SOCKET=/tmp/admin.sock \
            scripts/render.sh >"$dir/envoy.yaml" ;;
esac

# Nothing runs as root: what the containers read belongs to the user they run as.
export MASKER_UID MASKER_GID
MASKER_UID=$(id -u) MASKER_GID=$(id -g)
if [ "$MASKER_UID" = 0 ]; then
    MASKER_UID=65532 MASKER_GID=65532
    chown -R 65532:65532 "$dir"
fi
chmod 644 "$dir/users.acl"   # for the user of Redis
exec "${compose[@]}" "$@"
