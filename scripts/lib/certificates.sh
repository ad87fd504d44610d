# shellcheck shell=sh
# A local certificate authority for one domain (RFC 5280), and a server certificate from it.

# make_ca DIRECTORY DOMAIN: creates an authority whose certificates are valid only for names below DOMAIN.
make_ca() {
    [ -f "$1/ca.pem" ] && [ -f "$1/ca-key.pem" ] &&
        openssl x509 -in "$1/ca.pem" -noout -checkend 7776000 >/dev/null && return
    step "Creating a local certificate authority for $2"
    rm -f "$1/cert.pem"
    (
        umask 077
        openssl ecparam -name prime256v1 -genkey -noout -out "$1/ca-key.pem"
    ) || fail "openssl could not make a key"
    openssl req -x509 -new -key "$1/ca-key.pem" -sha256 -days 3650 -out "$1/ca.pem" \
        -subj "/O=MCP OAuth Gateway/CN=Local CA of the quickstart for $2" \
        -addext "basicConstraints=critical,CA:TRUE,pathlen:0" \
        -addext "keyUsage=critical,keyCertSign,cRLSign" \
        -addext "nameConstraints=critical,permitted;DNS:$2" ||
        fail "openssl could not make a certificate"
}

# make_certificate DIRECTORY DOMAIN: creates a certificate, and renews it a month before its expiry.
make_certificate() {
    [ -f "$1/cert.pem" ] && openssl x509 -in "$1/cert.pem" -noout -checkend 2592000 >/dev/null &&
        return
    (
        umask 077
        openssl ecparam -name prime256v1 -genkey -noout -out "$1/cert-key.pem"
    ) || fail "openssl could not make a key"
    cat >"$1/cert.ext" <<END
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:$2, DNS:*.$2
END
    openssl req -new -key "$1/cert-key.pem" -subj "/O=MCP OAuth Gateway" |
        openssl x509 -req -sha256 -days 397 -CA "$1/ca.pem" -CAkey "$1/ca-key.pem" \
            -set_serial "0x$(openssl rand -hex 16)" -extfile "$1/cert.ext" -out "$1/cert.pem" \
            2>/dev/null || fail "openssl could not make the server certificate"
    rm "$1/cert.ext"
}
