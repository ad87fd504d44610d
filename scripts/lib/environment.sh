# shellcheck shell=sh
# The variables that each program of the native stack gets. It gets no other variable of this shell, because
# another program of the same user may be able to read its environment.

# The names that any program needs to find its files, its language and its certificates: those that
# mcp-stdio-proxy passes to servers.
COMMON="HOME LANG LANGUAGE LC_* LOGNAME NODE_EXTRA_CA_CERTS PATH SHELL SSL_CERT_DIR SSL_CERT_FILE TERM
    TMPDIR TZ USER XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_RUNTIME_DIR XDG_STATE_HOME"

# variables_of PROGRAM: prints names and patterns of names. For auth-service those in .env.example, each also
# as NAME_FILE; for Traefik those that its files read; for the proxy also those that it passes on to servers.
variables_of() {
    case $1 in
    auth-service)
        sed -n -e '/^# --- Only docker-compose.yml/q' \
            -e 's/^\(# \)\{0,1\}\([A-Z][A-Z0-9_]*\)=.*/\2 \2_FILE/p' "$ROOT/.env.example"
        echo "RUST_* HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY http_proxy https_proxy all_proxy no_proxy"
        ;;
    proxy) echo "RUST_* MCP_* LOG_* AUDIT_EVENTS AUDIT_LOG $(printf %s "${MCP_PASS_ENV:-}" | tr ',*?[' '    ')" ;;
    traefik) grep -rho 'env "[A-Z_]*"' "$ROOT/traefik" | sed 's/env "\(.*\)"/\1/' ;;
    esac
    echo "$COMMON"
}

# keep_only NAMES: unsets every other variable that is exported. Not by `env -i NAME=VALUE`, because the
# list of processes would show the values.
keep_only() {
    set -f
    # shellcheck disable=SC2013 # names are words
    for variable in $(awk 'BEGIN { for (name in ENVIRON) print name }'); do
        # Functions of bash have other names.
        case $variable in *[!A-Za-z0-9_]*) continue ;; esac
        is_among "$variable" "$1" || unset "$variable"
    done
}

is_among() {
    for pattern in $2; do
        # shellcheck disable=SC2254 # a pattern
        case $1 in $pattern) return 0 ;; esac
    done
    return 1
}
