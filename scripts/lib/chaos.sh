# shellcheck shell=sh
# The additional tools of scripts/chaos, and its namespaces.

install_chaos() {
    install_stack
    have unshare || need_debian util-linux
    have ip || need_debian iproute2
    [ -d "$TOOLS/libfaketime/usr" ] || {
        step "Unpacking libfaketime into .tools"
        need_debian_archive bookworm libfaketime "$TOOLS/libfaketime" || fail "there is no libfaketime of Debian 12"
    }
    [ -x "$TOOLS/valkey/valkey-server" ] || install_valkey
}

# Valkey of Debian 13, with its C library, because that of Debian 12 is too old for it.
install_valkey() {
    step "Unpacking Valkey into .tools"
    for package in libc6 valkey-tools valkey-server; do
        need_debian_archive trixie "$package" "$TOOLS/valkey" || fail "there is no $package of Debian 13"
    done
    machine=$(dpkg-architecture -q DEB_HOST_MULTIARCH 2>/dev/null || echo "$(uname -m)-linux-gnu")
    cat >"$TOOLS/valkey/valkey-server" <<END
#!/bin/sh
here=\$(dirname "\$0")
libraries=\$here/usr/lib/$machine
exec "\$libraries"/ld-linux-*.so.* --library-path "\$libraries:/usr/lib/$machine:/lib/$machine" "\$here/usr/bin/valkey-server" "\$@"
END
    chmod +x "$TOOLS/valkey/valkey-server"
}

# The harness as cargo has built it: a test target, so that its dependencies are those of the other tests.
chaos_program() {
    cargo test --workspace --locked --quiet --test chaos --no-run --message-format json | python3 -c '
import json, sys

for line in sys.stdin:
    message = json.loads(line)
    if message.get("executable") and message["target"]["name"] == "chaos":
        print(message["executable"])'
}

# run_chaos ARGS...: in namespaces of its own. Its processes end with it and it ends with this shell, its file systems
# vanish, its network has loopback alone, so that every port is free.
run_chaos() {
    if [ "$(id -u)" -eq 0 ]; then map=; else map=--map-root-user; fi
    # shellcheck disable=SC2086 # an option or nothing
    unshare $map --mount --net --pid --fork true ||
        fail "the faults need namespaces: root with CAP_SYS_ADMIN, or unprivileged user namespaces"
    program=$(chaos_program)
    [ -n "$program" ] || fail "cargo could not build the harness"
    chaos_home=$(mktemp -d "${TMPDIR:-/tmp}/chaos.XXXXXX")
    make_ca "$chaos_home" mcp.localhost
    make_certificate "$chaos_home" mcp.localhost
    bin=${QUICKSTART_BIN:-${CARGO_TARGET_DIR:-$ROOT/target}/quickstart}
    "$bin/auth-service" key generate --out "$chaos_home/signing-key.pem" >/dev/null
    "$bin/auth-service" key generate --secrets --out "$chaos_home/secrets-key.pem" >/dev/null
    # shellcheck disable=SC2086,SC2016 # an option or nothing; variables of the inner shell
    setpriv --pdeathsig KILL unshare $map --mount --net --pid --fork --kill-child --mount-proc sh -c '
        set -e
        ip link set lo up
        mount -t tmpfs chaos /dev/shm
        exec "$@"
    ' chaos "$program" --home "$chaos_home" "$@" &
    chaos_pid=$!
    trap 'stop_chaos; exit 130' INT TERM HUP
    chaos_status=0
    wait "$chaos_pid" || chaos_status=$?
    trap - INT TERM HUP
    # 130: it was interrupted, and its history shows nothing.
    if [ "$chaos_status" -eq 0 ] || [ "$chaos_status" -eq 130 ]; then
        rm -rf "$chaos_home"
    else
        say "logs and history: $chaos_home"
    fi
    return "$chaos_status"
}

# Asks the harness to end, and ends its namespace with everything in it.
stop_chaos() {
    read -r harness _ <"/proc/$chaos_pid/task/$chaos_pid/children" || harness=
    if [ -n "$harness" ] && kill -TERM "$harness" 2>/dev/null; then
        for _ in $(seq 50); do
            kill -0 "$harness" 2>/dev/null || break
            sleep 0.1
        done
    fi
    kill -KILL "$chaos_pid" 2>/dev/null || :
    rm -rf "$chaos_home"
}
