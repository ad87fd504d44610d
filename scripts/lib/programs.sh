# shellcheck shell=sh
# The client programs of scripts/test --clients, and the network that they run in.

# The hosts of the gateway, as in /etc/hosts of people without a name server: some programs read only that file.
# The last line is the host that publishes a client's metadata document.
programs_hosts() {
    cat <<'END'
127.0.0.1 localhost
::1 localhost
127.0.0.1 mcp.localhost auth.mcp.localhost time.mcp.localhost
140.82.121.3 github.com
END
}

install_programs() {
    python_tools "$TOOLS/client-fastmcp" "$ROOT/tests/clients/programs/requirements.txt"
    # `npm ci` also needs the packages of other platforms in the list, and not every registry has them all.
    # `npm install` uses the versions and hashes of the list.
    node_tools "$TOOLS/programs" "$ROOT/tests/clients/programs" install
    node_packages "$ROOT/tests/pages"
    have chromium || need_debian chromium fonts-liberation
    have ip || need_debian iproute2
    have script || need_debian bsdutils
}

# apart COMMAND...: runs a command in a network namespace with only loopback and one public address on it, and with
# its own /etc/hosts and name server. Those of the machine do not change.
apart() {
    programs_hosts >"$RESULTS.hosts"
    echo "nameserver 127.0.0.1" >"$RESULTS.resolv"
    if [ "$(id -u)" -eq 0 ]; then map=; else map=--map-root-user; fi
    # shellcheck disable=SC2086,SC2016 # an option or nothing; variables of the inner shell
    unshare $map --net --mount sh -c '
        set -e
        ip link set lo up
        ip address add 140.82.121.3/32 dev lo
        mount --bind "$1.hosts" /etc/hosts
        mount --bind "$1.resolv" /etc/resolv.conf
        shift
        exec "$@"
    ' apart "$RESULTS" "$@"
    status=$?
    rm -f "$RESULTS.hosts" "$RESULTS.resolv"
    return "$status"
}

# Builds, which may need the internet, and then runs, which must not.
test_programs() {
    build_quickstart && workspace_test --test programs --no-run &&
        CARGO_NET_OFFLINE=true apart cargo test --workspace --locked --test programs -- "$@"
}
