# shellcheck shell=sh
# Pinned tools in .tools/. Each directory has the digest of the list that it was made from.

TOOLS=$ROOT/.tools

is_current() {
    [ -f "$1/.made-from" ] && [ "$(cat "$1/.made-from")" = "$(digest "$2")" ]
}

digest() {
    sha256sum "$1" | cut -d' ' -f1
}

# python_tools DIRECTORY REQUIREMENTS: a virtual environment with exactly these packages, whose hashes are in the
# list (scripts/hash-requirements).
python_tools() {
    is_current "$1" "$2" && return
    step "Installing Python packages of ${2#"$ROOT"/} into ${1#"$ROOT"/}"
    rm -rf "$1"
    python3 -m venv "$1" >/dev/null 2>&1 || {
        need_debian python3-venv
        rm -rf "$1"
        python3 -m venv "$1"
    }
    "$1/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
        -r "$2" ||
        fail "pip could not install the packages of $2"
    digest "$2" >"$1/.made-from"
}

# node_tools DIRECTORY SOURCE [COMMAND]: the packages of SOURCE/package-lock.json, by this command of npm instead of ci.
node_tools() {
    is_current "$1" "$2/package-lock.json" && return
    step "Installing npm packages of ${2#"$ROOT"/} into ${1#"$ROOT"/}"
    rm -rf "$1"
    mkdir -p "$1"
    cp "$2/package.json" "$2/package-lock.json" "$1/"
    (cd "$1" && npm "${3:-ci}" --silent --no-audit --no-fund --ignore-scripts) ||
        fail "npm could not install the packages of $2"
    digest "$2/package-lock.json" >"$1/.made-from"
}

need_node() {
    for program in node npm; do
        have "$program" || fail "Node.js 20 or later with npm is needed: https://nodejs.org/"
    done
    [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] ||
        fail "Node.js $(node --version) is too old: 20 or later is needed"
}

need_redis() {
    have redis-server || need_debian redis-server
}

# Programs that a minimal Debian may lack, by package.
need_programs() {
    missing=
    have curl || missing="$missing curl"
    have git || missing="$missing git"
    have openssl || missing="$missing openssl"
    have python3 || missing="$missing python3 python3-venv"
    # shellcheck disable=SC2086 # a list of words
    [ -z "$missing" ] || need_debian $missing
}

# The two programs in target/quickstart.
build_quickstart() {
    (cd "$ROOT" && cargo build --profile quickstart --locked -p auth-service -p mcp-stdio-proxy)
}

need_cargo() {
    have cargo || fail "Rust is needed (the toolchain of rust-toolchain.toml): https://rustup.rs/"
}

# Everything in the native stack except the gateway's own programs.
install_stack() {
    need_programs
    need_redis
    need_node
    need_cargo
    python_tools "$TOOLS/python" "$ROOT/scripts/tools/requirements.txt"
    node_tools "$TOOLS/node" "$ROOT/scripts/tools"
}

# node_packages DIRECTORY: installs node_modules next to its package-lock.json.
node_packages() {
    is_current "$1/node_modules" "$1/package-lock.json" && return
    step "Installing npm packages into ${1#"$ROOT"/}"
    (cd "$1" && npm ci --silent --no-audit --no-fund --ignore-scripts) ||
        fail "npm could not install the packages of $1"
    digest "$1/package-lock.json" >"$1/node_modules/.made-from"
}
