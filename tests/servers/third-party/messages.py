"""JSON-RPC messages of both eras, as a client writes them."""

LEGACY = "2025-11-25"
MODERN = "2026-07-28"
CLIENT = {"name": "scripts-servers", "version": "1"}
PREFIX = "io.modelcontextprotocol/"
ENVELOPE = {
    f"{PREFIX}protocolVersion": MODERN,
    f"{PREFIX}clientInfo": CLIENT,
    f"{PREFIX}clientCapabilities": {},
}


class Failure(Exception):
    """A server or the proxy did not do what is needed to go on."""


def hello() -> dict:
    """Returns the parameters of `initialize`."""
    return {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": CLIENT}


def request(number, method: str, params: dict, era: str) -> dict:
    """Returns a request; one of 2026-07-28 has the envelope."""
    if era == MODERN:
        params = params | {"_meta": ENVELOPE}
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def notification(method: str) -> dict:
    """Returns a notification without parameters."""
    return {"jsonrpc": "2.0", "method": method}


def reply(question: dict) -> dict:
    """Returns what a client without capabilities answers to a server."""
    if question["method"] == "ping":
        return {"jsonrpc": "2.0", "id": question["id"], "result": {}}
    refusal = {"code": -32601, "message": "Method not found"}
    return {"jsonrpc": "2.0", "id": question["id"], "error": refusal}


def answer_to(number, message: dict) -> dict:
    """Returns the `result` or `error` of an answer, whose frame must be right."""
    frame = {name: value for name, value in message.items() if name not in ("result", "error")}
    if frame != {"jsonrpc": "2.0", "id": number}:
        raise Failure(f"the answer to request {number} has the frame {frame}")
    return {name: message[name] for name in ("result", "error") if name in message}
