"""The mcpServers object in a file: an entry added or removed, or each of them handed on.

servers_file.py add FILE NAME TITLE ALLOW COMMAND ARGS...   environment as lines on standard input
servers_file.py remove FILE NAME
servers_file.py each PROGRAM OPTIONS...                     runs PROGRAM NAME OPTIONS... -- COMMAND ARGS...

The first two write FILE.new, readable by its owner alone; the caller decides who else may read it, and
renames it, so that nobody reads half of it.
"""

import json
import os
import pathlib
import subprocess
import sys


def fail(problem):
    sys.exit(f"error: {problem}")


def load(path):
    try:
        whole = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {"mcpServers": {}}
    except (OSError, ValueError) as error:
        fail(f"{path}: {error}")
    if not isinstance(whole, dict) or not isinstance(whole.get("mcpServers"), dict):
        fail(f'{path}: it is not {{"mcpServers": {{…}}}}')
    return whole


def save(path, whole):
    draft = pathlib.Path(f"{path}.new")
    draft.unlink(missing_ok=True)
    # Private from the first byte, because entries may contain secrets.
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(json.dumps(whole, indent=2, ensure_ascii=False) + "\n")


def add(path, name, title, allow, command, *args):
    whole = load(path)
    if name in whole["mcpServers"]:
        fail(f"{path} has a server {name} already")
    entry = {"title": title} if title else {}
    entry |= {"command": command, "args": list(args)}
    if environment := dict(line.split("=", 1) for line in sys.stdin.read().splitlines()):
        entry["env"] = environment
    if allow:
        entry["allow"] = [user.strip() for user in allow.split(",")]
    whole["mcpServers"][name] = entry
    save(path, whole)


def remove(path, name):
    whole = load(path)
    if whole["mcpServers"].pop(name, None) is None:
        fail(f"{path} has no server {name}")
    save(path, whole)


def each(program, *options):
    """Runs PROGRAM for each server. Standard input is the output of `auth-service server validate --json`."""
    read = json.load(sys.stdin)
    for name in read["disabled"]:
        print(f"{name} is disabled: not added", file=sys.stderr)
    servers = {one["name"]: one["entry"] for one in read["servers"]}
    for name, entry in servers.items():
        check(name, entry)
    for name, entry in servers.items():
        # Values by the environment, because command lines are visible to every user of the machine.
        environment = entry.get("env", {})
        names = [part for key in environment for part in ("--env-from", key)]
        settings = {f"ADD_SERVER_{key}": value for key, value in environment.items()}
        own = ["--title", entry["title"]] if "title" in entry else []
        if entry.get("allow") and "--allow" not in options:
            own += ["--allow", ",".join(entry["allow"])]
        words = [entry["command"], *entry.get("args", [])]
        arguments = [name, *options, *own, *names, "--", *words]
        subprocess.run([program, *arguments], check=True, env={**os.environ, **settings})


def check(name, entry):
    """Rejects what the options of scripts/add-server cannot express."""
    for key in sorted(entry.keys() - {"allow", "args", "command", "env", "title", "url"}):
        fail(f'{name}: "{key}" cannot be added by this script; write the entry by hand (docs/SERVERS.md)')
    if "command" not in entry:
        fail(f"{name} has no command: only a server that is started here can be added")
    if any("," in user for user in entry.get("allow", [])):
        fail(f'{name}: a user in "allow" contains a comma')


try:
    {"add": add, "remove": remove, "each": each}[sys.argv[1]](*sys.argv[2:])
except subprocess.CalledProcessError as error:
    sys.exit(error.returncode)
