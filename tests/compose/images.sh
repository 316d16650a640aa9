#!/usr/bin/env bash
# Makes the images of docker-compose.yml and Dockerfile that cannot be pulled, from
# Debian packages and under the same tags: images.sh BINARIES, a directory with
# masker and mock_provider.
#
# What stands in is close where it matters to the stack: the same programs in the
# same versions, the same users, the same command lines. `rust:1-bookworm` has no
# compiler: its `cargo` hands out the binaries that the caller has built. All have
# the label masker.stand-in, by which run.sh removes them.
set -euo pipefail
cd "$(dirname "$0")/../.."
binaries=$(cd "$1" && pwd)
cache=$PWD/.masker/images
mkdir -p "$cache"

# have IMAGE: is there already, or can be pulled. A stand-in that a broken run has
# left does not count: it may hold old binaries.
have() {
    local about
    if about=$(docker image inspect "$1" 2>/dev/null); then
        case $about in *masker.stand-in*) return 1 ;; *) return 0 ;; esac
    fi
    timeout 30 docker pull -q "$1" >/dev/null 2>&1
}

rootfs() {
    [ -s "$cache/rootfs-2.tar" ] && return
    local root sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    root=$(mktemp -d)
    echo "building a Debian root file system for stand-in images" >&2
    $sudo debootstrap --variant=minbase --include=ca-certificates,redis-server,prometheus,prometheus-alertmanager,python3,wget bookworm "$root" >"$cache/debootstrap.log" 2>&1 || {
        tail -n 5 "$cache/debootstrap.log" >&2
        return 1
    }
    $sudo rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/*
    # The official image runs Redis as 999:999.
    $sudo mkdir -p "$root/data"
    $sudo chown 999:999 "$root/data"
    $sudo tar -C "$root" -cf "$cache/rootfs.part" .
    $sudo chown "$(id -u):$(id -g)" "$cache/rootfs.part"
    mv "$cache/rootfs.part" "$cache/rootfs-2.tar"
    $sudo rm -rf "$root"
}

# stand_in IMAGE [LINE OF A DOCKERFILE]... reads the context from $context.
stand_in() {
    local image=$1
    shift
    { echo "FROM masker-test-rootfs"; printf '%s\n' "$@"; } >"$context/Dockerfile"
    docker build -q -t "$image" "$context" >/dev/null 2>"$context.log" || { cat "$context.log" >&2; return 1; }
    echo "stand-in for $image" >&2
}

missing=()
for image in debian:bookworm-slim rust:1-bookworm redis:7 envoyproxy/envoy:v1.40.0 prom/prometheus:v3.5.0 prom/alertmanager:v0.28.1 python:3-slim; do
    have "$image" || missing+=("$image")
done
[ ${#missing[@]} -gt 0 ] || exit 0

rootfs
docker import --change "LABEL masker.stand-in=1" "$cache/rootfs-2.tar" masker-test-rootfs >/dev/null
context=$(mktemp -d)
trap 'rm -rf "$context" "$context.log"' EXIT
for image in "${missing[@]}"; do
    case $image in
        debian:*) stand_in "$image" 'CMD ["bash"]' ;;
        redis:*) stand_in "$image" 'WORKDIR /data' 'VOLUME /data' 'CMD ["redis-server"]' ;;
        envoyproxy/*)
            cp "$(scripts/install.sh envoy-binary)" "$context/envoy"
            stand_in "$image" 'COPY envoy /usr/local/bin/envoy' 'CMD ["envoy"]' ;;
        prom/prometheus:*) stand_in "$image" 'ENTRYPOINT ["prometheus"]' 'RUN mkdir -p /prometheus && chown nobody /prometheus' 'USER nobody' 'VOLUME /prometheus' ;;
        prom/alertmanager:*) stand_in "$image" 'ENTRYPOINT ["prometheus-alertmanager"]' 'RUN mkdir -p /alertmanager && chown nobody /alertmanager' 'USER nobody' 'VOLUME /alertmanager' ;;
        python:*) stand_in "$image" 'CMD ["python3"]' ;;
        rust:*)
            cp "$binaries/masker" "$binaries/mock_provider" "$context/"
            printf '%s\n' '#!/bin/sh' 'set -e' 'mkdir -p target/release/examples' \
                'cp /prebuilt/masker target/release/' 'cp /prebuilt/mock_provider target/release/examples/' >"$context/cargo"
            chmod 755 "$context/cargo"
            stand_in "$image" 'COPY masker mock_provider /prebuilt/' 'COPY cargo /usr/local/bin/cargo' ;;
    esac
done
