"""The known differences, each with its reason. A difference that none of them covers fails the comparison."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Explanation:
    """The reason for differences at the places that three patterns match as a whole."""

    server: str
    era: str
    place: str
    reason: str

    def covers(self, server: str, era: str, place: str) -> bool:
        """Returns `true` if it explains a difference at `place`, the question with the path in its answer."""
        found = zip((self.server, self.era, self.place), (server, era, place))
        return all(re.fullmatch(pattern, text) for pattern, text in found)


EXPLANATIONS = []


def explanation(server: str, era: str, place: str):
    """Returns the explanation of a difference, or `None`."""
    return next((one for one in EXPLANATIONS if one.covers(server, era, place)), None)
