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

# share_with_containers FILE: readable by its owner and by the containers, since it may hold secrets. Whoever is
# not root changes the group by means of Docker.
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

# need_debian PACKAGE...: installs what is given, as root.
need_debian() {
    have apt-get || fail "please install by hand, there is no apt-get here: $*"
    step "Installing from Debian: $*"
    if [ "$(id -u)" -eq 0 ]; then
        as_root=
    elif have sudo; then
        as_root=sudo
    else
        fail "this needs root: apt-get install $*"
    fi
    # The package lists may be absent or old; the second attempt has fresh ones.
    # shellcheck disable=SC2086 # empty, or one word
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >/dev/null 2>&1 ||
        { $as_root apt-get update -q >/dev/null &&
            $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" >/dev/null; } ||
        fail "apt-get could not install: $*"
}

# with_lock FILE COMMAND...: one at a time over all copies of this script.
with_lock() {
    lock_file=$1
    shift
    mkdir -p "$(dirname "$lock_file")"
    (
        flock 9
        "$@" 9>&-
    ) 9>"$lock_file"
}
