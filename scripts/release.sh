#!/usr/bin/env bash
# What a release consists of, in target/dist, with checksums and a note on where it comes from:
#
#   scripts/release.sh                    program, package, bill of materials, SHA256SUMS, PROVENANCE
#   KEY=~/.ssh/release scripts/release.sh the same, signed with an SSH key (ssh-keygen -Y)
#   scripts/release.sh verify DIR SIGNERS checks checksums and signature of what was downloaded
#   scripts/release.sh twice              builds the program at two places and compares
#
# The same commit, compiler and system give the same program, byte for byte: paths are taken
# out, times are the commit's. PARTS="program" leaves the package and the bill out.
set -euo pipefail
cd "$(dirname "$0")/.."
fail() { echo "masker: $*" >&2; exit 1; }
say() { echo "masker: $*" >&2; }
NAMESPACE=masker-release

# program SOURCE TARGET: builds there, and prints the path of the program.
program() {
    local home=${CARGO_HOME:-$HOME/.cargo}
    (
        cd "$1"
        export CARGO_TARGET_DIR=$2 CARGO_INCREMENTAL=0
        export CARGO_PROFILE_RELEASE_DEBUG=0 CARGO_PROFILE_RELEASE_STRIP=symbols
        export RUSTFLAGS="--remap-path-prefix=$home=/cargo --remap-path-prefix=$PWD=/masker --remap-path-prefix=$2=/target"
        # mimalloc says when it was built.
        export CFLAGS="-ffile-prefix-map=$home=/cargo -ffile-prefix-map=$2=/target -Wno-builtin-macro-redefined -D__DATE__=\"\" -D__TIME__=\"\""
        cargo build --release --locked --bin masker >&2
    ) && echo "$2/release/masker"
}

verify() {
    local dir=$1 signers=$2
    [ -s "$dir/SHA256SUMS.sig" ] || fail "$dir has no SHA256SUMS.sig: it is not signed"
    ssh-keygen -Y verify -f "$signers" -I release -n "$NAMESPACE" -s "$dir/SHA256SUMS.sig" <"$dir/SHA256SUMS" >&2 ||
        fail "the signature is not of a key in $signers"
    (cd "$dir" && sha256sum --check --strict --quiet SHA256SUMS) || fail "files are not what was signed"
    say "signature and checksums are right"
}

twice() {
    local one other
    # Not local: the trap looks at it when the function is left.
    made=$(mktemp -d)
    trap 'rm -rf "$made"' EXIT
    git diff --quiet HEAD || fail "there are changes that are not committed"
    for place in first a-second-place; do
        git clone -q --no-hardlinks . "$made/$place"
        program "$made/$place" "$made/$place-target" >"$made/$place.path"
    done
    one=$(sha256sum <"$(cat "$made/first.path")") other=$(sha256sum <"$(cat "$made/a-second-place.path")")
    [ "$one" = "$other" ] || fail "two builds of $(git rev-parse HEAD) differ: $one$other"
    say "both builds of $(git rev-parse --short HEAD) are ${one%% *}"
}

release() {
    local version commit time dist=target/dist name files
    git diff --quiet HEAD || fail "there are changes that are not committed"
    version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
    commit=$(git rev-parse HEAD) time=$(git log -1 --format=%ct)
    export SOURCE_DATE_EPOCH=$time
    rm -rf "$dist" && mkdir -p "$dist"
    name=masker-$version-$(uname -m)-linux
    mkdir "$dist/$name"
    cp "$(program "$PWD" "$PWD/target/for-release")" README.md CHANGELOG.md LICENSE "$dist/$name/"
    tar --sort=name --mtime="@$time" --owner=0 --group=0 --numeric-owner -C "$dist" -cf - "$name" | gzip -n >"$dist/$name.tar.gz"
    rm -rf "${dist:?}/$name"
    if [ "${PARTS:-all}" = all ]; then
        make --no-print-directory deb sbom >&2
        cp target/debian/masker_*.deb target/masker.cdx.json "$dist/"
    fi
    cat >"$dist/PROVENANCE" <<NOTE
masker $version
commit      $commit of $(git log -1 --format=%cI)
Cargo.lock  $(sha256sum <Cargo.lock | cut -d' ' -f1)
compiler    $(rustc --version)
linker      $(cc --version | head -1)
libc        $(ldd --version | head -1)
system      $(. /etc/os-release && echo "$PRETTY_NAME"), $(uname -m)
made by     scripts/release.sh; \`scripts/release.sh twice\` of this commit on this system gives the same program
NOTE
    (cd "$dist" && files=$(find . -maxdepth 1 -type f ! -name 'SHA256SUMS*' -printf '%f\n' | sort) && sha256sum $files >SHA256SUMS)
    if [ -n "${KEY:-}" ]; then
        ssh-keygen -Y sign -q -f "$KEY" -n "$NAMESPACE" "$dist/SHA256SUMS" >&2 || fail "$KEY cannot sign"
    else
        say "not signed: KEY= names an SSH key"
    fi
    say "$dist:"
    ls -l "$dist" >&2
}

case ${1:-} in
    '') release ;;
    verify) [ $# = 3 ] || fail "usage: scripts/release.sh verify DIR SIGNERS"; verify "$2" "$3" ;;
    twice) twice ;;
    *) fail "usage: scripts/release.sh [verify DIR SIGNERS | twice]" ;;
esac
