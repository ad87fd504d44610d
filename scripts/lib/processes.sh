# shellcheck shell=sh
# Background processes by record. $RUN/NAME.pid contains the pid and the start time of the process, so that a
# reused pid is never signalled.

# started_at PID: field 22 of /proc/PID/stat; the name before it may contain blanks and brackets.
started_at() {
    sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20
}

# launch NAME COMMAND...: starts a process in a session of its own, so that Ctrl-C reaches this script alone, and with the
# variables that NAME needs (environment.sh).
launch() {
    name=$1
    shift
    mkdir -p "$RUN" "$LOGS"
    [ ! -f "$LOGS/$name.log" ] || mv "$LOGS/$name.log" "$LOGS/$name.log.1"
    (
        keep_only "$(variables_of "$name")"
        exec setsid "$@"
    ) >"$LOGS/$name.log" 2>&1 </dev/null 9>&- &
    printf '%s %s\n' "$!" "$(started_at $!)" >"$RUN/$name.pid"
}

# is_alive NAME: succeeds if exactly the recorded process runs.
is_alive() {
    [ -f "$RUN/$1.pid" ] || return 1
    read -r pid start <"$RUN/$1.pid" || return 1
    [ -n "$start" ] && [ "$(started_at "$pid")" = "$start" ] &&
        ! grep -q '^State:[[:space:]]*Z' "/proc/$pid/status" 2>/dev/null
}

pid_of() {
    cut -d' ' -f1 "$RUN/$1.pid"
}

# await NAME WHAT COMMAND...: waits until the command succeeds. Fails if the process exits, or after 60 s.
await() {
    name=$1
    what=$2
    shift 2
    deadline=$(($(date +%s) + 60))
    until "$@" >/dev/null 2>&1; do
        is_alive "$name" || died "$name"
        if [ "$(date +%s)" -ge "$deadline" ]; then
            show_log "$name"
            fail "$name runs, but $what did not answer within 60 s"
        fi
        sleep 0.1
    done
    say "    $what is ready"
}

died() {
    show_log "$1"
    fail "$1 has ended; the whole log is $LOGS/$1.log"
}

show_log() {
    printf -- '--- the end of %s/%s.log\n' "$LOGS" "$1" >&2
    tail -n 25 "$LOGS/$1.log" >&2
    printf -- '---\n' >&2
}

# end NAME: sends TERM, waits, and sends KILL if necessary.
end() {
    if is_alive "$1"; then
        pid=$(pid_of "$1")
        kill -TERM "$pid" 2>/dev/null
        deadline=$(($(date +%s) + 15))
        while is_alive "$1" && [ "$(date +%s)" -lt "$deadline" ]; do
            sleep 0.05
        done
        if is_alive "$1"; then
            say "    $1 did not end within 15 s and is killed"
            kill -KILL "$pid" 2>/dev/null
        fi
    fi
    rm -f "$RUN/$1.pid"
}
