#!/usr/bin/env bash
# Makes a private CA and the certificates of both ends of the connection between
# Envoy and masker: scripts/certs.sh [DIR]. Keeps what is there unless it ends soon.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=${1:-.masker/tls}
command -v openssl >/dev/null || { echo "masker: openssl is missing (apt-get install openssl)" >&2; exit 1; }
umask 077
mkdir -p "$dir"

if [ -f "$dir/envoy.crt" ] && openssl x509 -checkend 2592000 -noout -in "$dir/envoy.crt" >/dev/null; then
    echo "$dir: certificates are there"
    exit 0
fi

key() { openssl ecparam -genkey -name prime256v1 -noout | openssl pkcs8 -topk8 -nocrypt -out "$1"; }

# leaf NAME USAGE: a certificate for the DNS name NAME, for one direction only.
leaf() {
    key "$dir/$1.key"
    openssl req -new -key "$dir/$1.key" -subj "/CN=$1" -out "$dir/$1.csr"
    printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=%s\nsubjectAltName=DNS:%s\n' \
        "$2" "$1" >"$dir/$1.ext"
    openssl x509 -req -in "$dir/$1.csr" -CA "$dir/ca.crt" -CAkey "$dir/ca.key" -CAcreateserial \
        -days 397 -sha256 -extfile "$dir/$1.ext" -out "$dir/$1.crt" 2>/dev/null
    rm -f "$dir/$1.csr" "$dir/$1.ext"
}

cat >"$dir/ca.cnf" <<'CONF'
[req]
distinguished_name = name
x509_extensions = ca
prompt = no
[name]
CN = masker private CA
[ca]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
CONF
key "$dir/ca.key"
openssl req -x509 -new -key "$dir/ca.key" -sha256 -days 825 -config "$dir/ca.cnf" -out "$dir/ca.crt"
rm -f "$dir/ca.cnf"
leaf masker serverAuth
leaf envoy clientAuth
# The CA signs nothing else: whoever had its key could play masker.
rm -f "$dir/ca.key" "$dir/ca.srl"
echo "$dir: new certificates, valid for 397 days"
