#!/usr/bin/env bash
# docker compose with what docker-compose.yml needs: scripts/compose.sh up -d
#
# Makes once, in .masker/compose: the master key, the passwords of Redis, the
# certificates between Envoy and masker, and one for clients (`--profile tls`).
# UPSTREAM says where Envoy sends to.
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
for user in '' -replica -sentinel -cluster; do
    [ -s "$dir/redis$user-password" ] || hex >"$dir/redis$user-password"
done
# For `--profile claude`: put the provider's key in.
[ -e "$dir/provider-key" ] || : >"$dir/provider-key"
mkdir -p .masker/work "$dir/checks"
if [ ! -s "$dir/tls/gateway.crt" ] || ! openssl x509 -checkend 2592000 -noout -in "$dir/tls/gateway.crt" >/dev/null; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 397 -subj "/CN=masker gateway" \
        -addext "subjectAltName=DNS:localhost,DNS:envoy,IP:127.0.0.1" -addext "basicConstraints=critical,CA:FALSE" \
        -keyout "$dir/tls/gateway.key" -out "$dir/tls/gateway.crt" 2>/dev/null
fi
# Redis gets the passwords' hashes, and each user no more than it uses.
hash() { tr -d '\n' <"$dir/$1" | openssl dgst -sha256 | sed 's/.*= *//'; }
cat >"$dir/users.acl" <<ACL
user default off
user masker on #$(hash redis-password) ~m1:* ~masker:* resetchannels &aws-masker:* -@all +@connection +info +get +set +expire +role +publish +xadd +xrange +cluster|slots
user replica on #$(hash redis-replica-password) resetchannels -@all +psync +replconf +ping
user sentinel on #$(hash redis-sentinel-password) allchannels -@all +multi +slaveof +ping +exec +subscribe +config|rewrite +role +publish +info +client|setname +client|kill +script|kill
user cluster on #$(hash redis-cluster-password) resetchannels -@all +ping +cluster
ACL
printf 'masteruser replica\nmasterauth %s\n' "$(cat "$dir/redis-replica-password")" >"$dir/replication.conf"

case " $* " in
    *' --profile cluster '*)
        export REDIS_CLUSTER=yes REDIS_FILES=cluster STORE_URL=redis+cluster://masker@redis:6379,redis-2:6379,redis-3:6379 ;;
esac
case " $* " in *' --profile load '*) export UPSTREAM=${UPSTREAM:-http://load-provider:9000} ;; esac
case " $* " in *' --profile sentinel '*) export STORE_URL=redis+sentinel://masker@sentinel-1:26379,sentinel-2:26379,sentinel-3:26379/masker ;; esac
gateway=(cat) parts=() settings=()
case " $* " in
    *' --profile tls '*)
        parts+=(tls) settings+=(--set TLS_DIR=/run/secrets)
        export CHECKS_GATEWAY=https://localhost:8085 CHECKS_CA=/run/secrets/gateway.crt ;;
esac
# Prometheus reads Envoy's metrics over the network `monitoring`.
case " $* " in *' --profile monitoring '*) parts+=(stats-socket) settings+=(--set STATS_ADDRESS=0.0.0.0) ;; esac
[ ${#parts[@]} = 0 ] || gateway=(scripts/gateway.py --base - "${parts[@]}" "${settings[@]}")

# A container that runs keeps its upstream, also when it starts again.
case " $* " in
    *' up '* | *' create '*)
        ADDRESS=0.0.0.0 PORT=8085 HEALTH_PORT=8086 MASKER_LISTEN=masker:50051 TLS_DIR=/run/secrets \
            CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt ENVOY_ADMIN_SOCKET=/tmp/admin.sock \
            scripts/render.sh | "${gateway[@]}" >"$dir/envoy.yaml" ;;
esac

# Nothing runs as root: what the containers read belongs to the user they run as.
export MASKER_UID MASKER_GID
MASKER_UID=$(id -u) MASKER_GID=$(id -g)
if [ "$MASKER_UID" = 0 ]; then
    MASKER_UID=65532 MASKER_GID=65532
    # Not what is theirs already: masker reads again what changes.
    find "$dir" ! \( -uid 65532 -gid 65532 \) -exec chown 65532:65532 {} +
fi
# For the user of Redis; the directory keeps others out.
chmod 644 "$dir/users.acl" "$dir/replication.conf"
exec "${compose[@]}" "$@"
