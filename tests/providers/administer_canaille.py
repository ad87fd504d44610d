"""Prepares a Canaille and administers it: administer_canaille.py DIRECTORY PORT REDIRECT

Writes DIRECTORY/canaille.toml with new keys, creates the database and the only client, and prints a line. Then each line
of standard input is a command of Canaille as JSON (a list of arguments), and is answered by a JSON line with `output` or
`error`. One process for all commands, because a start takes seconds. Ends with its standard input.
"""

import contextlib
import io
import json
import os
import sys

from joserfc.jwk import RSAKey

directory, port, redirect = sys.argv[1:]
key = RSAKey.generate_key(2048, {"kid": "k1"}, auto_kid=False).as_dict(private=True)
# A string of JSON is one of TOML, too.
members = ", ".join(f"{name} = {json.dumps(value)}" for name, value in key.items())
CONFIG = f"""
SECRET_KEY = "of a test"
SERVER_NAME = "127.0.0.1:{port}"
PREFERRED_URL_SCHEME = "http"
[CANAILLE]
DATABASE = "sql"
EMAIL_CONFIRMATION = false
ENABLE_REGISTRATION = false
[CANAILLE_SQL]
DATABASE_URI = "sqlite:///{directory}/canaille.sqlite"
PASSWORD_SCHEMES = "pbkdf2_sha512"
[CANAILLE_OIDC]
REQUIRE_NONCE = true
ACTIVE_JWKS = [{{ {members} }}]
[CANAILLE_OIDC.USERINFO_MAPPING]
SUB = "{{{{ user.id }}}}"
PREFERRED_USERNAME = "{{{{ user.user_name }}}}"
"""
# Scopes, grants and responses of the client.
LISTS = {
    "--redirect-uris": [redirect],
    "--grant-types": ["authorization_code", "refresh_token"],
    "--response-types": ["code"],
    "--scope": ["openid", "profile", "email", "groups"],
}
CLIENT = [
    "create", "client", "--quiet", "--client-id", "gateway", "--client-secret", "gateway-secret",
    "--client-name", "Gateway", "--client-uri", "https://auth.gw.example",
    "--token-endpoint-auth-method", "client_secret_basic",
] + [word for option, values in LISTS.items() for value in values for word in (option, value)]


def run(arguments):
    output = io.StringIO()
    try:
        with contextlib.redirect_stdout(output):
            cli.main(args=arguments, prog_name="canaille", standalone_mode=False)
    except (Exception, SystemExit) as error:
        return {"error": repr(error)}
    return {"output": output.getvalue()}


file = os.path.join(directory, "canaille.toml")
with open(file, "w", encoding="utf-8") as config:
    config.write(CONFIG)
os.environ["CANAILLE_CONFIG"] = file
from canaille.commands import cli  # noqa: E402, it reads the variable

for command in (["install"], CLIENT):
    answer = run(command)
    if "error" in answer:
        sys.exit(f"{command}: {answer['error']}")
print("ready", flush=True)
for line in sys.stdin:
    print(json.dumps(run(json.loads(line))), flush=True)
