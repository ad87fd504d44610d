"""A server over raw stdio: started, asked and ended as an official client does it."""

import json
import os
import queue
import signal
import subprocess
import threading

from messages import LEGACY, Failure, answer_to, hello, notification, reply, request

PATIENCE = 120


class Raw:
    """A connection to one process of a server."""

    def __init__(self, entry: dict, mark: str, base_env: dict, log):
        fill = lambda text: text.replace("{user}", mark)  # noqa: E731
        self.process = subprocess.Popen(
            [entry["command"], *map(fill, entry["args"])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=fill(entry["cwd"]),
            env=base_env | {name: fill(value) for name, value in entry["env"].items()},
            start_new_session=True,
        )
        self.number = 0
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def _write(self, message: dict):
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def initialize(self) -> dict:
        """Does the handshake of the legacy era."""
        answer = self.ask("initialize", hello(), LEGACY)
        self._write(notification("notifications/initialized"))
        return answer

    def ask(self, method: str, params: dict, era: str) -> dict:
        """Returns the answer to a request. Notifications are skipped, questions of the server answered."""
        self.number += 1
        self._write(request(self.number, method, params, era))
        while True:
            try:
                line = self.lines.get(timeout=PATIENCE)
            except queue.Empty:
                raise Failure(f"raw: no answer to {method}") from None
            if line is None:
                raise Failure(f"raw: the server ended before its answer to {method}")
            try:
                message = json.loads(line)
            except ValueError:
                continue
            if "method" in message and "id" in message:
                self._write(reply(message))
            elif "method" not in message and message.get("id") == self.number:
                return answer_to(self.number, message)

    def close(self):
        """Closes its input and waits for its end, as MCP says; then ends whatever it has left."""
        self.process.stdin.close()
        for number, patience in ((None, 5), (signal.SIGTERM, 5), (signal.SIGKILL, 5)):
            if number:
                self._signal(number)
            try:
                self.process.wait(patience)
                break
            except subprocess.TimeoutExpired:
                continue
        self._signal(signal.SIGKILL)

    def _signal(self, number):
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass
