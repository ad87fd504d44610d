# shellcheck shell=sh
# docker compose, and the settings in .env. The current directory is the project.

# As a plugin, or as a standalone program.
compose() {
    if docker compose version >/dev/null 2>&1; then
        docker compose "$@"
    elif have docker-compose; then
        docker-compose "$@"
    else
        fail "docker compose is needed: https://docs.docker.com/compose/install/"
    fi
}

# setting NAME: prints its last value in .env.
setting() {
    sed -n "s/^$1=//p" .env | tail -n 1 | sed -e "s/^'\(.*\)'\$/\1/" -e 's/^"\(.*\)"$/\1/'
}

# set_setting NAME VALUE: changes .env, and keeps its owner and mode.
set_setting() {
    kept=$(grep -v "^$1=" .env || :)
    printf '%s\n%s=%s\n' "$kept" "$1" "$2" >.env
}

project() {
    compose config --format json | sed -n '1,3s/^ *"name": "\([^"]*\)".*/\1/p'
}

add_compose_file() {
    files=$(setting COMPOSE_FILE)
    set_setting COMPOSE_FILE "${files:-docker-compose.yml}:$1"
}

remove_compose_file() {
    set_setting COMPOSE_FILE "$(setting COMPOSE_FILE | sed -e "s|:$1:|:|" -e "s|:$1\$||")"
}

server_url() {
    port=$(setting PUBLIC_PORT)
    if [ "${port:-443}" = 443 ]; then port=; else port=:$port; fi
    if [ "$(setting SERVER_URLS)" = path ]; then
        printf 'https://%s%s/%s/mcp' "$(setting BASE_DOMAIN)" "$port" "$1"
    else
        printf 'https://%s.%s%s/mcp' "$1" "$(setting BASE_DOMAIN)" "$port"
    fi
}

# start_server NAME: starts a server without restarting Traefik, which would end all streams. Traefik joins the
# network while it runs, before the server asks it for keys. The next `docker compose up` finds it in the file.
start_server() {
    compose create "$1"
    traefik=$(compose ps --quiet traefik)
    [ -z "$traefik" ] || docker network connect --alias traefik "$(project)_$1" "$traefik"
    compose up --detach --no-deps --wait "$1"
}

stop_server() {
    network=$(project)_$1
    compose rm --stop --force "$1"
    traefik=$(compose ps --quiet traefik)
    [ -z "$traefik" ] || docker network disconnect "$network" "$traefik" >/dev/null 2>&1 || :
    docker network rm "$network" >/dev/null 2>&1 || :
}

# publish_file_server NAME: names the commands for the container of the file, and for a certificate of its own where
# each name has one.
publish_file_server() {
    if [ -z "$(setting CERT_FILE)$(setting ACME_DNS_PROVIDER)" ]; then
        names=$(setting CERT_NAMES)
        set_setting CERT_NAMES "${names:+$names,}$1"
        say "for its certificate: docker compose up -d traefik"
    fi
    if [ "$(setting MCP_FILE_ENABLED)" != true ]; then
        set_setting MCP_FILE_ENABLED true
        say "for the container of the file: docker compose up -d file"
    fi
}

# auth_service ARGS...: runs a command of auth-service in its container.
auth_service() {
    compose exec -T auth-service /auth-service "$@"
}

# server_check OPTIONS...: `auth-service server validate`, which knows the rules of names and entries. The program is
# $AUTH_SERVICE, or that of the image; --fill works with variables that begin with ADD_SERVER_.
server_check() {
    if [ -n "${AUTH_SERVICE:-}" ]; then
        "$AUTH_SERVICE" server validate "$@"
        return
    fi
    tag=${GATEWAY_TAG:-$(setting GATEWAY_TAG)}
    image=mcp-oauth-gateway/auth-service:${tag:-latest}
    docker image inspect "$image" >/dev/null 2>&1 ||
        fail "auth-service checks names and entries, and there is no image $image yet: docker compose build auth-service"
    # By name, because command lines are visible to every user of the machine.
    variables=$(env | sed -n 's/^\(ADD_SERVER_[A-Za-z0-9_]*\)=.*/--env \1/p')
    # shellcheck disable=SC2086 # names of variables
    docker run --rm --interactive --network none $variables "$image" server validate "$@" || {
        status=$?
        # The program does not know the command.
        [ "$status" -ne 2 ] || fail "$image is older than this script: docker compose build auth-service"
        return "$status"
    }
}

# in_auth_data COMMAND...: with the volume of auth-service at /data, whose image has no shell.
in_auth_data() {
    image=$(setting REDIS_IMAGE)
    docker run --rm --interactive --network none --user root --entrypoint "" \
        --volume "$(project)_auth-data:/data" "${image:-redis:8.0}" "$@"
}
