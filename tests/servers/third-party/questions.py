"""The questions that every server is asked, and the answers as a transcript."""

from messages import LEGACY, MODERN

LISTS = ("tools/list", "resources/list", "resources/templates/list", "prompts/list")
UNKNOWN_TOOL = {"name": "no_such_tool", "arguments": {}}
# More pages than any of the servers has.
PAGES = 50


def transcript(connection, era: str, call: dict) -> dict:
    """Asks everything and returns the answers by question."""
    if era == LEGACY:
        answers = {"initialize": connection.initialize()}
    else:
        answers = {"server/discover": connection.ask("server/discover", {}, MODERN)}
    for method in LISTS:
        answers[method] = pages(connection, era, method)
    answers["call"] = connection.ask("tools/call", call, era)
    answers["unknown tool"] = connection.ask("tools/call", UNKNOWN_TOOL, era)
    answers["unknown method"] = connection.ask("scripts/unknown", {}, era)
    return answers


def pages(connection, era: str, method: str) -> list:
    """Returns the answers of a list, page by page."""
    answers = [connection.ask(method, {}, era)]
    while (cursor := answers[-1].get("result", {}).get("nextCursor")) and len(answers) < PAGES:
        answers.append(connection.ask(method, {"cursor": cursor}, era))
    return answers
