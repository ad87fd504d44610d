# shellcheck shell=sh
# The checks of scripts/test: their tools, their execution, and their summary.

DENY_VERSION=0.20.2

# check NAME COMMAND...: shows and runs a command. Continues after a failure, so that one run reports all failures.
check() {
    name=$1
    shift
    step "$name: $*"
    check_began=$(date +%s)
    status_file=$RESULTS.status
    {
        # In a subshell, which a failure may end.
        ("$@") 2>&1
        echo $? >"$status_file"
    } | tee "$RESULTS.output"
    status=$(cat "$status_file")
    tests=$(sed -n 's/^test result: [a-zA-Z]*\. \([0-9]*\) passed.*/\1/p' "$RESULTS.output" |
        awk '{ sum += $1 } END { print sum + 0 }')
    printf '%s\t%s\t%s\t%s\n' "$status" "$tests" "$(($(date +%s) - check_began))" "$name" >>"$RESULTS"
    failed_tests "$RESULTS.output" >>"$RESULTS.failed"
    rm -f "$status_file" "$RESULTS.output"
}

# failed_tests FILE: prints the names that each test program lists at its end, after the output of its failed tests.
failed_tests() {
    awk '
        /^failures:$/ { names = ""; lists = 1; next }
        /^test result: FAILED/ { printf "%s", names; lists = 0 }
        lists && /^    [^ ]+$/ { names = names $0 "\n" }' "$1"
}

# workspace_test OPTION...: always with all packages, because cargo compiles the dependencies again for each selection
# of packages. The other targets run even if one fails.
workspace_test() {
    cargo test --workspace --locked --no-fail-fast "$@"
}

# summary BEGAN: prints the table, and returns the exit status.
summary() {
    printf '\n'
    while IFS='	' read -r status tests seconds name; do
        if [ "$status" -eq 0 ]; then verdict=ok; else verdict=FAILED; fi
        if [ "$tests" -gt 0 ]; then name="$name ($tests tests)"; fi
        printf '%-7s %4s s  %s\n' "$verdict" "$seconds" "$name"
    done <"$RESULTS"
    if [ -s "$RESULTS.failed" ]; then
        printf 'Failed tests:\n'
        cat "$RESULTS.failed"
    fi
    awk -F '\t' -v seconds="$(($(date +%s) - $1))" '
        { tests += $2; checks++; if ($1 != 0) failed++ }
        END {
            printf "%d tests passed, %d of %d checks failed, in %d s\n", tests, failed, checks, seconds
            exit failed > 0
        }' "$RESULTS"
}

install_checks() {
    have shellcheck || need_debian shellcheck
    have cargo-clippy || fail "clippy is needed: rustup component add clippy rustfmt"
}

# Spelling of all texts, names in code included; typos.toml has the exceptions.
spelling() {
    linters && "$TOOLS/linters/bin/typos"
}

# Workflows: syntax, types of expressions, the scripts in them (shellcheck), and what an attacker could use.
workflows() {
    linters || return 1
    "$TOOLS/linters/bin/actionlint" .github/workflows/*.yml &&
        "$TOOLS/linters/bin/zizmor" --quiet --offline --no-progress .github
}

linters() {
    python_tools "$TOOLS/linters" "$ROOT/scripts/tools/linters.txt"
}

# The OpenID provider that the tests log in at.
install_openid_provider() {
    node_tools "$TOOLS/providers" "$ROOT/tests/providers"
}

# The official SDKs as clients; cargo provides the Rust one.
install_clients() {
    for generation in 1 2; do
        python_tools "$TOOLS/client-python-$generation" \
            "$ROOT/tests/clients/python/requirements-$generation.txt"
    done
    # Node looks for packages next to the program.
    node_packages "$ROOT/tests/clients/typescript"
    node_packages "$ROOT/tests/pages"
    # A browser, and a font for it.
    have chromium || need_debian chromium fonts-liberation
    node_tools "$TOOLS/conformance" "$ROOT/tests/conformance"
}

# The official servers that the quickstart does not install.
install_servers() {
    node_tools "$TOOLS/servers" "$ROOT/tests/servers"
}

# Unpacked, not installed: a Debian package starts its service, on port 80.
install_proxies() {
    for package in nginx caddy; do
        [ ! -d "$TOOLS/$package/usr" ] || continue
        step "Unpacking $package into .tools"
        need_debian_archive bookworm $package "$TOOLS/$package" || fail "there is no $package of Debian 12"
    done
}

# Compose accepts the file, with the settings that have no default.
compose_config() {
    set -- -f docker-compose.yml config --quiet
    export BASE_DOMAIN=gateway.example REDIS_PASSWORD=x
    if docker compose version >/dev/null 2>&1; then
        docker compose "$@"
    else
        standalone_compose && "$TOOLS/docker-compose" "$@"
    fi
}

# If the machine has no compose: that of a newer Debian, unpacked into .tools. Reading a file needs no
# Docker Engine.
standalone_compose() {
    [ ! -x "$TOOLS/docker-compose" ] || return 0
    step "Unpacking docker-compose into .tools"
    need_debian_archive trixie docker-compose "$TOOLS/compose" &&
        mv "$TOOLS/compose/usr/libexec/docker/cli-plugins/docker-compose" "$TOOLS/docker-compose"
}

# need_debian_archive RELEASE PACKAGE DIRECTORY: unpacks the package of another release, without
# installing it, from the mirror that this machine uses.
need_debian_archive() {
    lists=$TOOLS/apt-$1
    mkdir -p "$lists/lists/partial" "$lists/archives/partial" "$3"
    # For these lists nothing is installed. Otherwise apt would look for the installed version of a package, for example
    # from the security archive.
    : >"$lists/status"
    mirror=$(debian_mirror) || return 1
    printf 'deb %s %s main\n' "$mirror" "$1" >"$lists/sources.list"
    # shellcheck disable=SC2086 # a list of options
    options="-o Dir::Etc::sourcelist=$lists/sources.list -o Dir::Etc::sourceparts=- \
        -o Dir::State::lists=$lists/lists -o Dir::State::status=$lists/status -o Dir::Cache::archives=$lists/archives \
        -o APT::Sandbox::User=root"
    # shellcheck disable=SC2086
    apt-get $options update -q >/dev/null || return 1
    # shellcheck disable=SC2086
    (cd "$lists/archives" && apt-get $options download -q "$2" >/dev/null) || return 1
    dpkg -x "$lists/archives/$2"_*.deb "$3"
}

# debian_mirror: prints the address of the main archive in this machine's sources, in either format.
debian_mirror() {
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
        sed -n -e 's/^deb  *\(\[[^]]*\]  *\)\{0,1\}\([^ ]*\) .*/\2/p' -e 's/^URIs: *\([^ ]*\).*/\1/p' |
        grep -v security | head -n 1
}

# cargo_deny CHECK...: with the program built once. Only `advisories` fetches its database, see deny.toml.
cargo_deny() {
    deny=$TOOLS/cargo/bin/cargo-deny
    if ! have cargo-deny && [ ! -x "$deny" ]; then
        step "Building cargo-deny $DENY_VERSION"
        cargo install --quiet --debug --locked --root "$TOOLS/cargo" "cargo-deny@$DENY_VERSION" || return 1
    fi
    PATH="$TOOLS/cargo/bin:$PATH" cargo deny --workspace --locked check "$@"
}

# Every list of Python packages has exact versions with hashes, and every pip command requires them.
hashed_requirements() {
    faults=0
    for list in scripts/tools/*.txt scripts/peers/*.txt docker/*/requirements.txt \
        tests/docker/hadolint.txt tests/clients/python/requirements-*.txt \
        tests/clients/programs/requirements.txt tests/providers/*.txt tests/servers/third-party/python/*.txt; do
        # A package, possibly for some platforms only, and at least one hash in the next line.
        awk '
            /^#/ { next }
            /^[A-Za-z0-9._-]+==[^ ;]+( ; [^\\]+)? \\$/ { if (open) bad = 1; open = 1; packages++; next }
            /^ +--hash=sha256:[0-9a-f]+( \\)?$/ { if (!packages) bad = 1; open = 0; next }
            { bad = 1 }
            END { exit bad || open || !packages }' "$list" || {
            say "$list: a package has no exact version or no hash: scripts/hash-requirements $list"
            faults=1
        }
    done
    # Joins commands that continue in the next line.
    if cat Dockerfile scripts/hash-requirements scripts/servers scripts/lib/install.sh | sed -e ':a' -e '/\\$/N; s/\\\n//; ta' |
        grep -E 'pip (install|wheel)' | grep -v -- '--require-hashes'; then
        say "pip installs without --require-hashes"
        faults=1
    fi
    return "$faults"
}

# A registry of Debian on loopback serves one image; scripts/pin-images has to find its digest.
pinned_images() {
    have skopeo || need_debian skopeo
    [ -x "$TOOLS/docker-registry/usr/bin/docker-registry" ] ||
        need_debian_archive bookworm docker-registry "$TOOLS/docker-registry" || return 1
    work=$(mktemp -d)
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    printf 'version: 0.1\nstorage: { filesystem: { rootdirectory: %s } }\nhttp: { addr: 127.0.0.1:%s }\n' \
        "$work/data" "$port" >"$work/registry.yml"
    "$TOOLS/docker-registry/usr/bin/docker-registry" serve "$work/registry.yml" >"$work/log" 2>&1 &
    registry=$!
    # Long enough for a slow machine.
    for _ in $(seq 100); do
        ! curl --silent --noproxy '*' --output /dev/null "http://127.0.0.1:$port/v2/" || break
        sleep 0.1
    done
    tell_digests "$work" "127.0.0.1:$port/base"
    told=$?
    kill "$registry"
    wait "$registry" 2>/dev/null
    rm -rf "$work"
    return "$told"
}

# tell_digests DIRECTORY IMAGE: pushes an empty image, and checks the digests that scripts/pin-images finds.
tell_digests() {
    mkdir "$1/image"
    printf '{}' >"$1/image/config"
    config=$(digest "$1/image/config")
    mv "$1/image/config" "$1/image/$config"
    printf 'Directory Transport Version: 1.1\n' >"$1/image/version"
    kind=application/vnd.docker
    printf '{"schemaVersion":2,"mediaType":"%s","config":{"mediaType":"%s","size":2,"digest":"sha256:%s"},"layers":[]}' \
        "$kind.distribution.manifest.v2+json" "$kind.container.image.v1+json" "$config" >"$1/image/manifest.json"
    skopeo copy --quiet --insecure-policy --dest-tls-verify=false "dir:$1/image" "docker://$2:1" || return 1
    scripts/pin-images --out "$1/images.env" "NODE_IMAGE=$2:1" || return 1
    grep -Fx "NODE_IMAGE=$2:1@sha256:$(digest "$1/image/manifest.json")" "$1/images.env" || return 1
    # A missing tag is an error, and leaves the file unchanged.
    cp "$1/images.env" "$1/before"
    ! scripts/pin-images --out "$1/images.env" "NODE_IMAGE=$2:2" || return 1
    cmp "$1/before" "$1/images.env"
}
