"""One entry of a pasted mcpServers object, read as auth-service and mcp-stdio-proxy read the file
(gateway-contract/src/servers): what its writer means is done, or refused by name.
"""

import dataclasses
import os
import re

TAKEN = ("allow", "args", "command", "env", "title")
SWITCHES = ("disabled", "enabled", "transport", "transportType", "type")
# Keys of the gateway that this script cannot add.
BY_HAND = (
    "checksHeaders",
    "confine",
    "cwd",
    "gid",
    "isolation",
    "limits",
    "maxProcesses",
    "prewarm",
    "requestTimeout",
    "resource",
    "scopeDetails",
    "scopes",
    "tools",
    "uid",
)
WITHOUT_EFFECT = (
    "allowed",
    "allowedTools",
    "alwaysAllow",
    "arguments",
    "auth",
    "autoApprove",
    "cmd",
    "denied",
    "deny",
    "disabledTools",
    "enabledTools",
    "envFile",
    "environment",
    "excludeTools",
    "headers",
    "httpUrl",
    "includeTools",
    "oauth",
    "serverUrl",
    "timeout",
    "trust",
    "uri",
    "url",
    "workingDir",
    "workingDirectory",
)
KNOWN = TAKEN + SWITCHES + BY_HAND + WITHOUT_EFFECT
UNRELATED = ("guid", "id", "resources", "roots", "source", "uuid")

VARIABLE = re.compile(r"(?P<literal>\$\$\{)|\$\{(?P<inner>[^}]*)(?P<end>\}?)", re.DOTALL)
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Problem(Exception):
    """What is wrong with an entry."""


@dataclasses.dataclass
class Server:
    words: list
    environment: dict
    title: str | None
    allow: list | None


def command(name, entry, to_file):
    """The server that `entry` describes; None if it is disabled. Variables stay as they are in the file."""
    if not isinstance(entry, dict):
        raise Problem(f"{name}: an entry must be an object")
    entry = {key: value for key, value in entry.items() if value is not None}
    if is_disabled(name, entry):
        return None
    check_keys(name, entry)
    if not is_text(entry.get("command")) or not entry["command"]:
        raise Problem(f"{name} has no command: only a server that is started here can be added")
    arguments, environment = entry.get("args", []), entry.get("env", {})
    if not is_texts(arguments):
        raise Problem(f'{name}: "args" must be a list of strings')
    if not isinstance(environment, dict) or not is_texts(list(environment.values())):
        raise Problem(f'{name}: "env" must be an object of strings')
    if not is_text(entry.get("title", "")):
        raise Problem(f'{name}: "title" must be a string')
    if not is_texts(entry.get("allow", [])) or any("," in one for one in entry.get("allow", [])):
        raise Problem(f'{name}: "allow" must be a list of strings')

    environment = {key: fill(name, value, to_file) for key, value in environment.items()}
    if any("=" in key or "\0" in key + value for key, value in environment.items()):
        raise Problem(f"{name}: a variable of env has a name or a value that no environment can have")
    words = [fill(name, word, to_file) for word in (entry["command"], *arguments)]
    return Server(words, environment, entry.get("title"), entry.get("allow"))


def is_disabled(name, entry):
    said = set()
    for key, sense in (("disabled", True), ("enabled", False)):
        if key in entry:
            if not isinstance(entry[key], bool):
                raise Problem(f'{name}: "{key}" must be true or false')
            said.add(entry[key] == sense)
    if len(said) > 1:
        raise Problem(f'{name}: "disabled" and "enabled" contradict each other')
    return True in said


def check_keys(name, entry):
    for key, value in entry.items():
        if key in WITHOUT_EFFECT and value not in ("", [], {}, False):
            raise Problem(f'{name}: "{key}" has no effect here; see docs/SERVERS.md')
        if key in BY_HAND:
            raise Problem(f'{name}: "{key}" cannot be added by this script; write the entry by docs/SERVERS.md')
        if key not in KNOWN and (meant := near(key)):
            raise Problem(f'{name}: unknown key "{key}"; did you mean "{meant}"?')
        if key in SWITCHES[2:] and plain(str(value)) not in ("stdio", "local"):
            raise Problem(f'{name}: "{key}" is "{value}": only a server of type "stdio" can be added')


def fill(name, text, to_file):
    """`text` with ${NAME} replaced by the value of ADD_SERVER_NAME. In the file the proxy replaces it."""

    def value(match):
        if match["literal"]:
            return "${"
        variable, separator, default = match["inner"].partition(":-")
        variable = variable.removeprefix("env:")
        if not match["end"] or not NAME.fullmatch(variable) or "${" in default:
            raise Problem(f"{name}: {match[0][:40]} is not a variable: write ${{NAME}} or ${{NAME:-default}}")
        found = os.environ.get(f"ADD_SERVER_{variable}")
        if found is None and not separator and not to_file:
            raise Problem(f"{name}: ${{{variable}}} has no value: set ADD_SERVER_{variable}")
        return default if separator and not found else found or ""

    filled = VARIABLE.sub(value, text)
    return text if to_file else filled


def near(key):
    if key in UNRELATED:
        return None
    found = [(distance(plain(key), plain(known)), known) for known in KNOWN]
    close = [
        (steps, known)
        for steps, known in found
        if steps <= (1 if min(len(plain(key)), len(plain(known))) < 5 else 2)
    ]
    return min(close)[1] if close else None


def distance(one, other):
    """Insertions, deletions, replacements and swaps of neighbours between two words."""
    rows = [list(range(len(other) + 1))]
    for i, left in enumerate(one, 1):
        row = [i]
        for j, right in enumerate(other, 1):
            steps = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (left != right))
            if i > 1 and j > 1 and left == other[j - 2] and one[i - 2] == right:
                steps = min(steps, rows[-2][j - 2] + 1)
            row.append(steps)
        rows.append(row)
    return rows[-1][-1]


def plain(name):
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")


def is_text(value):
    return isinstance(value, str)


def is_texts(value):
    return isinstance(value, list) and all(isinstance(one, str) for one in value)
