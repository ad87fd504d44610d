#!/bin/sh
# Starts Traefik in its container. Fills the settings of the environment into traefik.yml, for one of three kinds of
# certificates, or for a proxy in front that has them. Rotates the access log.
set -eu

TEMPLATE=$(dirname -- "$0")/traefik.yml
CONFIG=${TRAEFIK_CONFIG:-/run/traefik.yml}
ACCESS_LOG=${TRAEFIK_ACCESS_LOG:-/logs/access.log}
# 50 MB, and the same for each of the four older files.
LOG_BYTES=50000000

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# without NAME: omits the parts that are marked "NAME only".
without() {
    sed "/# --- $1 only: begin/,/# --- $1 only: end/d"
}

# Succeeds if a proxy in front of Traefik has the certificates.
front_has_certificates() {
    [ -n "${FRONT_PROXIES:-}" ] && [ -z "${ACME_EMAIL:-}" ]
}

certificates() {
    if [ -n "${CERT_FILE:-}" ]; then
        [ -n "${KEY_FILE:-}" ] || fail "CERT_FILE is set without KEY_FILE"
        for file in "$CERT_FILE" "$KEY_FILE"; do
            [ -r "$file" ] || fail "cannot read $file; ./certificates is /etc/certificates in the container"
        done
        without acme | without dns
    elif front_has_certificates; then
        without acme | without dns
    elif [ -n "${ACME_DNS_PROVIDER:-}" ]; then
        without ports
    else
        without dns
    fi
}

# Selects the parts with or without a proxy in front of Traefik.
front() {
    if [ -n "${FRONT_PROXIES:-}" ]; then without direct; else without front; fi
}

# The authority of the ACME server, if it is not one of the system.
acme_authority() {
    if [ -n "${ACME_CA_CERTIFICATES:-}" ]; then cat; else without ca; fi
}

# Prints the address of this container for a name that it has on one network only.
api_address() {
    getent hosts traefik-api | { read -r address _ && printf '%s' "$address"; } || printf 127.0.0.1
}

# A redirect contains the public port.
redirect() {
    if [ "${PUBLIC_PORT:-443}" = 443 ]; then
        cat
    else
        sed "s|to: websecure|to: \":$PUBLIC_PORT\"|"
    fi
}

fill() {
    sed -e "s|@BASE_DOMAIN@|$BASE_DOMAIN|g" \
        -e "s|@ACME_EMAIL@|${ACME_EMAIL:-}|" \
        -e "s|@ACME_CA_SERVER@|${ACME_CA_SERVER:-https://acme-v02.api.letsencrypt.org/directory}|" \
        -e "s|@ACME_CA_CERTIFICATES@|${ACME_CA_CERTIFICATES:-}|" \
        -e "s|@ACME_DNS_PROVIDER@|${ACME_DNS_PROVIDER:-}|" \
        -e "s|@API_ADDRESS@|$(api_address)|" \
        -e "s|@FRONT_PROXIES@|$(printf '"%s"' "${FRONT_PROXIES:-}" | sed 's/ *, */", "/g')|" \
        -e "s|^accessLog:|&\\n  filePath: $ACCESS_LOG|"
}

# Rotates the access log. Traefik replaces this shell, and reopens its log on USR1.
rotate() {
    while sleep 60 && kill -0 $$ 2>/dev/null; do
        [ "$(wc -c <"$ACCESS_LOG")" -gt "$LOG_BYTES" ] || continue
        for number in 3 2 1; do
            [ ! -f "$ACCESS_LOG.$number" ] || mv "$ACCESS_LOG.$number" "$ACCESS_LOG.$((number + 1))"
        done
        mv "$ACCESS_LOG" "$ACCESS_LOG.1"
        kill -USR1 $$
    done
}

CERT_RESOLVER=letsencrypt
if [ -n "${CERT_FILE:-}" ] || front_has_certificates; then
    CERT_RESOLVER=
fi
API_ENTRY_POINT=traefik
KEYS_ENTRY_POINT=inside
CHECKS_ENTRY_POINT=checks
export CERT_RESOLVER API_ENTRY_POINT KEYS_ENTRY_POINT CHECKS_ENTRY_POINT

certificates <"$TEMPLATE" | front | acme_authority | redirect | fill >"$CONFIG"
rotate &
exec traefik --configFile="$CONFIG"
