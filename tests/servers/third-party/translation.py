"""What a modern client has to get from a legacy server, by docs/ERAS.md: made from the raw legacy answers."""

import copy

from messages import MODERN, PREFIX
from questions import LISTS

CACHED = {"ttlMs": 0, "cacheScope": "private"}


def modern_of(legacy: dict) -> dict:
    """Returns the transcript of the modern era that follows from one of the legacy era."""
    hello = legacy["initialize"]["result"]
    answers = {"server/discover": {"result": completed(discovery(hello), hello, CACHED)}}
    for question, answer in legacy.items():
        if question in LISTS:
            answers[question] = [translated(page, hello, CACHED) for page in answer]
        elif question != "initialize":
            answers[question] = translated(answer, hello, {})
    return answers


def discovery(hello: dict) -> dict:
    """Returns the result of `server/discover` for that of `initialize`."""
    capabilities = {name: value for name, value in hello["capabilities"].items() if name != "tasks"}
    kept = {"instructions": hello["instructions"]} if "instructions" in hello else {}
    return {"supportedVersions": [MODERN], "capabilities": capabilities} | kept


def translated(answer: dict, hello: dict, added: dict) -> dict:
    """Returns an answer as the modern era has it."""
    if "result" in answer:
        return {"result": completed(answer["result"], hello, added)}
    error = copy.deepcopy(answer["error"])
    if error["code"] == -32002:
        error["code"] = -32602
    elif -32099 <= error["code"] <= -32020:
        error["code"] = -32603
    return {"error": error}


def completed(result: dict, hello: dict, added: dict) -> dict:
    """Returns a result with the members that every modern one has, unless it has them."""
    result = {"resultType": "complete"} | added | copy.deepcopy(result)
    result["_meta"] = {f"{PREFIX}serverInfo": hello["serverInfo"]} | result.get("_meta", {})
    return result
