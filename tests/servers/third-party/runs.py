"""All runs of one server, raw and proxied, and what differs between them."""

import json
from dataclasses import dataclass, field
from http.client import HTTPException

from catalogue import USERS, Server, lay_out
from differences import differences
from explained import reason_for
from messages import LEGACY, MODERN, Failure
from proxied import Client, Proxy
from questions import transcript
from raw import Raw
from translation import modern_of

FIRST, SECOND = USERS


@dataclass
class Difference:
    """An answer through the proxy that is not the expected one."""

    era: str
    run: str
    place: str
    expected: object
    got: object
    reason: str | None


@dataclass
class Outcome:
    """The result of all runs of one server."""

    server: Server
    eras: str = ""
    compared: int = 0
    # The proxy executes the server itself from the second start on, without npx or uvx.
    direct: bool = False
    answers: dict = field(default_factory=dict)
    differences: list = field(default_factory=list)
    failure: str | None = None

    @property
    def good(self) -> bool:
        """Returns `true` if every difference has a reason."""
        return not self.failure and all(one.reason for one in self.differences)


class Runs:
    """The runs of one server."""

    def __init__(self, server: Server, proxy: Proxy, entry: dict, installed, base_env: dict, log):
        self.server, self.proxy, self.entry = server, proxy, entry
        self.installed, self.base_env, self.log = installed, base_env, log
        self.outcome = Outcome(server)

    def all(self) -> Outcome:
        """Does all runs and returns their outcome."""
        try:
            lay_out(self.server, self.installed)
            raw = self._raw()
            lay_out(self.server, self.installed)
            self._proxied(raw)
        except (Failure, OSError, HTTPException, KeyError, ValueError) as failure:
            self.outcome.failure = f"{type(failure).__name__}: {failure}"
        return self.outcome

    def _raw(self) -> dict:
        """Returns the expected answers, by era and user."""
        raw = {(LEGACY, user): self._raw_run(LEGACY, user) for user in USERS}
        modern = self._speaks_modern()
        self.outcome.eras = "both" if modern else "legacy"
        for user in USERS:
            raw[MODERN, user] = self._raw_run(MODERN, user) if modern else modern_of(raw[LEGACY, user])
        for (era, user), answers in raw.items():
            self.outcome.answers[f"raw, {era}, {user}"] = answers
        return raw

    def _connect(self, user: str) -> Raw:
        return Raw(self.entry, USERS[user], self.base_env, self.log)

    def _raw_run(self, era: str, user: str) -> dict:
        connection = self._connect(user)
        try:
            return transcript(connection, era, self.server.call(self.installed, user))
        finally:
            connection.close()

    def _speaks_modern(self) -> bool:
        connection = self._connect(FIRST)
        try:
            answer = connection.ask("server/discover", {}, MODERN)
        finally:
            connection.close()
        return MODERN in answer.get("result", {}).get("supportedVersions", [])

    def _proxied(self, raw: dict):
        for era in (LEGACY, MODERN):
            self._proxied_run(raw, era, FIRST, "first start")
            # The modern era has no end of a session: the process ends when nobody has asked it for a while.
            if era == MODERN:
                self.proxy.wait_for_the_end_of(self.server.name)
            self._proxied_run(raw, era, FIRST, "second start")
            self._proxied_run(raw, era, SECOND, "second user")
        self.outcome.direct = self.proxy.starts_directly(self.server.name)

    def _proxied_run(self, raw: dict, era: str, user: str, run: str):
        before = len(self.proxy.processes(self.server.name))
        client = Client(self.proxy, self.server.name, user)
        answers = transcript(client, era, self.server.call(self.installed, user))
        if era == LEGACY:
            client.close()
        if len(self.proxy.processes(self.server.name)) == before:
            raise Failure(f"{era}, {run}: no process was started")
        self.outcome.answers[f"proxied, {era}, {run}"] = answers
        self.outcome.compared += sum(len(one) if isinstance(one, list) else 1 for one in answers.values())
        for path, expected, got in differences(raw[era, user], answers):
            place = path.lstrip("/")
            reason = reason_for(self.server.name, place, expected, got)
            self.outcome.differences.append(Difference(era, run, place, expected, got, reason))


def brief(value, length=300) -> str:
    """Returns a value as JSON on one line, cut if it is long."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except TypeError:
        text = repr(value)
    return text if len(text) <= length else f"{text[:length]}…"
