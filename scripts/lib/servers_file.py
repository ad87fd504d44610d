"""The mcpServers object in a file: an entry added or removed, or each of them handed on.

servers_file.py add FILE NAME TITLE ALLOW COMMAND ARGS...   environment as lines on standard input
servers_file.py remove FILE NAME
servers_file.py each FILE PROGRAM OPTIONS...                runs PROGRAM NAME OPTIONS... -- COMMAND ARGS...

The first two write FILE.new, readable by its owner alone; the caller decides who else may read it, and
renames it, so that nobody reads half of it.
"""

import json
import os
import pathlib
import subprocess
import sys

import pasted


def fail(problem):
    sys.exit(f"error: {problem}")


def load(path):
    try:
        text = sys.stdin.read() if path == "-" else pathlib.Path(path).read_text(encoding="utf-8")
        whole = json.loads(text)
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
    # Private from the first byte: entries may hold secrets.
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


def each(path, program, *options):
    servers = load(path)["mcpServers"]
    to_file = "--file" in options
    stated = {name: pasted.command(name, entry, to_file) for name, entry in servers.items()}
    for name, server in stated.items():
        if server is None:
            print(f"{name} is disabled: not added", file=sys.stderr)
            continue
        # Values by the environment: command lines are visible to every user of the machine.
        names = [part for key in server.environment for part in ("--env-from", key)]
        settings = {f"ADD_SERVER_{key}": value for key, value in server.environment.items()}
        own = [] if server.title is None else ["--title", server.title]
        if server.allow and "--allow" not in options:
            own += ["--allow", ",".join(server.allow)]
        arguments = [name, *options, *own, *names, "--", *server.words]
        subprocess.run([program, *arguments], check=True, env={**os.environ, **settings})


try:
    {"add": add, "remove": remove, "each": each}[sys.argv[1]](*sys.argv[2:])
except subprocess.CalledProcessError as error:
    sys.exit(error.returncode)
except pasted.Problem as problem:
    fail(problem)
