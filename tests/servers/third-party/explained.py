"""The known differences, each with its reason. A difference that none of them covers fails the comparison."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Explanation:
    """The reason for a difference of texts at one place: but for what `varies` matches, the texts are equal."""

    server: str
    place: str
    varies: str
    reason: str

    def covers(self, server: str, place: str, expected, got) -> bool:
        """Returns `true` if it explains a difference at `place`, the question with the path in its answer."""
        if (server, place) != (self.server, self.place) or not isinstance(expected, str) or not isinstance(got, str):
            return False
        return re.sub(self.varies, "", expected) == re.sub(self.varies, "", got)


EXPLANATIONS = [
    Explanation(
        "playwright", "call/result/content/0/text", r"page-[0-9TZ-]+\.yml",
        "The server names the file of a snapshot by the time of the call.",
    ),
]


def reason_for(server: str, place: str, expected, got) -> str | None:
    """Returns the reason of a difference, or `None` if none is known."""
    return next((one.reason for one in EXPLANATIONS if one.covers(server, place, expected, got)), None)
