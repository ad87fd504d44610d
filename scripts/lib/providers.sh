# shellcheck shell=sh
# The OpenID providers of scripts/test --providers.

install_providers() {
    python_tools "$TOOLS/canaille" "$ROOT/tests/providers/canaille.txt"
    install_glewlwyd
    have openssl || need_debian openssl
    have setpriv || need_debian util-linux
}

# Unpacked, not installed: the package starts its service, and needs a database first. Its libraries do not.
install_glewlwyd() {
    if [ ! -d "$TOOLS/glewlwyd/usr" ]; then
        step "Unpacking glewlwyd into .tools"
        need_debian_archive bookworm glewlwyd "$TOOLS/glewlwyd" || fail "there is no glewlwyd of Debian 12"
    fi
    has_libraries || need_debian libcbor0.8 libconfig9 libhoel1.4 libiddawc1.1 libldap-2.5-0 liboath0 librhonabwy1.1 \
        libulfius2.7
    has_libraries || fail "libraries of glewlwyd are missing"
}

# has_libraries: succeeds if the program and its modules find all of theirs.
has_libraries() {
    ! find "$TOOLS/glewlwyd/usr" \( -name '*.so' -o -name glewlwyd -path '*/bin/*' \) -exec ldd {} + 2>/dev/null |
        grep -q 'not found'
}
