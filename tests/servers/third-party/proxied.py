"""The proxy with all servers in one file, and its clients over Streamable HTTP."""

import http.client
import json
import re
import signal
import subprocess
import time

from messages import LEGACY, MODERN, Failure, answer_to, hello, notification, reply, request

PATIENCE = 150
# Seconds without a request after which the proxy ends a process.
IDLE = 4
# The parameter that `Mcp-Name` repeats.
NAMED = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}


class Proxy:
    """A running proxy, without a gateway in front of it."""

    def __init__(self, program: str, config, base_env: dict, log):
        self.log_path = log
        # A busy machine must not make the proxy take a server for one of another era, hence the patience.
        options = ["--probe-timeout", "30", "--idle-timeout", str(IDLE)]
        with open(log, "wb") as sink:
            self.process = subprocess.Popen(
                [program, "--listen", "127.0.0.1:0", "--config", str(config), *options],
                stdin=subprocess.DEVNULL, stderr=sink, env=base_env | {"RUST_LOG": "info"},
            )
        self.port = int(self._wait(lambda: re.search(r"listening on 127\.0\.0\.1:(\d+)", self.log()))[1])

    def log(self) -> str:
        """Returns what the proxy has logged."""
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def _wait(self, ready):
        start = time.monotonic()
        while time.monotonic() - start < PATIENCE:
            found = ready()
            if found:
                return found
            if self.process.poll() is not None:
                raise Failure(f"the proxy has ended: {self.log()[-2000:]}")
            time.sleep(0.05)
        raise Failure("the proxy did not get ready in time")

    def processes(self, server: str) -> list:
        """Returns the ids of all processes of `server` that the proxy has started, the oldest first."""
        return re.findall(rf"\b{re.escape(server)}\[(\d+)\] started", self.log())

    def starts_directly(self, server: str) -> bool:
        """Returns `true` if the proxy has found out what npx or uvx executes."""
        return re.search(rf"\b{re.escape(server)} runs .* started directly", self.log()) is not None

    def wait_for_the_end_of(self, server: str):
        """Waits until no process of `server` is left."""
        self._wait(lambda: len(self.processes(server))
                   == len(re.findall(rf"\b{re.escape(server)}\[(\d+)\] ended", self.log())))

    def send(self, server: str, message: dict, headers: dict, verb: str = "POST"):
        """Sends a message and returns the open response."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        accept = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
        body = json.dumps(message) if message else None
        connection.request(verb, f"/{server}/mcp", body, accept | headers)
        return connection.getresponse()

    def close(self):
        """Ends the proxy, and with it all servers."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def messages_of(response):
    """Yields the messages of a response, JSON or a stream."""
    kind = response.headers.get_content_type()
    if kind == "application/json":
        yield json.loads(response.read())
        return
    if kind != "text/event-stream":
        raise Failure(f"HTTP {response.status} with {kind}: {response.read()[:300]}")
    data = []
    for line in response:
        text = line.decode().rstrip("\r\n")
        if text.startswith("data:"):
            data.append(text[5:].removeprefix(" "))
        elif not text:
            joined, data = "\n".join(data), []
            if joined.strip():
                yield json.loads(joined)


class Client:
    """A client of one user: with a session in the legacy era, with an envelope in each request of the modern one."""

    def __init__(self, proxy: Proxy, server: str, user: str):
        self.proxy = proxy
        self.server = server
        self.headers = {"X-User-Id": user}
        self.number = 0

    def initialize(self) -> dict:
        """Does the handshake of the legacy era."""
        self.number += 1
        response = self._post(request(self.number, "initialize", hello(), LEGACY))
        self.headers["Mcp-Session-Id"] = response.headers.get("Mcp-Session-Id", "")
        answer = self._answer(response)
        self.headers["MCP-Protocol-Version"] = answer.get("result", {}).get("protocolVersion", LEGACY)
        accepted = self._post(notification("notifications/initialized"))
        if accepted.status not in (200, 202):
            raise Failure(f"HTTP {accepted.status} to notifications/initialized")
        return answer

    def ask(self, method: str, params: dict, era: str) -> dict:
        """Returns the answer to a request."""
        self.number += 1
        headers = {}
        if era == MODERN:
            headers = {"MCP-Protocol-Version": MODERN, "Mcp-Method": method}
            if method in NAMED:
                headers["Mcp-Name"] = params[NAMED[method]]
        response = self._post(request(self.number, method, params, era), headers)
        answer = self._answer(response)
        wanted = status_of(answer, era)
        if response.status != wanted:
            raise Failure(f"HTTP {response.status} instead of {wanted} to {method}: {answer}")
        return answer

    def _post(self, message: dict, headers=None):
        return self.proxy.send(self.server, message, self.headers | (headers or {}))

    def _answer(self, response) -> dict:
        for message in messages_of(response):
            if "method" in message and "id" in message:
                self._post(reply(message)).read()
            elif "method" not in message:
                return answer_to(self.number, message)
        raise Failure(f"HTTP {response.status} without an answer to request {self.number}")

    def close(self):
        """Ends the session, and with it the process."""
        ended = self.proxy.send(self.server, {}, self.headers, "DELETE")
        if ended.status not in (200, 202, 204):
            raise Failure(f"HTTP {ended.status} to DELETE")


def status_of(answer: dict, era: str) -> int:
    """Returns the HTTP status that an answer has to have."""
    code = answer.get("error", {}).get("code")
    if era == MODERN and code == -32601:
        return 404
    if era == MODERN and code in (-32020, -32021, -32022):
        return 400
    return 200
