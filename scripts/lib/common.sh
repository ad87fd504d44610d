# shellcheck shell=sh
# Output, locks and system packages, shared by the scripts.

say() {
    printf '%s\n' "$*"
}

step() {
    printf '==> %s\n' "$*"
}

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

have() {
    command -v "$1" >/dev/null 2>&1
}

# The group of the user that containers run as: USER in the Dockerfile.
CONTAINER_GROUP=65532

# share_with_containers FILE: makes the file readable only for its owner and the containers, because it may contain
# secrets. Without root, Docker changes the group.
share_with_containers() {
    chmod 600 "$1" || return 1
    chgrp "$CONTAINER_GROUP" "$1" 2>/dev/null || {
        image=$(sed -n 's/^REDIS_IMAGE=//p' "$ROOT/.env" 2>/dev/null | tail -n 1)
        directory=$(CDPATH='' cd -- "$(dirname -- "$1")" && pwd) && docker run --rm --network none --user 0 \
            --entrypoint "" --volume "$directory:/shared" "${image:-redis:8.0}" \
            chgrp "$CONTAINER_GROUP" "/shared/${1##*/}" 2>/dev/null
    } || return 1
    chmod 640 "$1"
}

# need_debian PACKAGE...: installs packages, as root.
need_debian() {
    have apt-get || fail "there is no apt-get: please install by hand: $*"
    step "Installing from Debian: $*"
    if [ "$(id -u)" -eq 0 ]; then
        as_root=
    elif have sudo; then
        as_root=sudo
    else
        fail "this needs root: apt-get install $*"
    fi
    # The package lists may be missing or outdated; the second attempt updates them.
    # shellcheck disable=SC2086 # empty, or one word
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >/dev/null 2>&1 ||
        { $as_root apt-get update -q >/dev/null &&
            $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >/dev/null; } ||
        fail "apt-get could not install: $*"
}

# with_lock FILE COMMAND...: runs one command at a time over all instances of this script.
with_lock() {
    lock_file=$1
    shift
    mkdir -p "$(dirname "$lock_file")"
    (
        flock 9
        "$@" 9>&-
    ) 9>"$lock_file"
}
