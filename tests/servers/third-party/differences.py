"""The differences between two JSON values, by path."""


def differences(expected, got, path="") -> list:
    """Returns (path, expected, got) for each place in which the two differ; `1` and `1.0` do."""
    if isinstance(expected, dict) and isinstance(got, dict):
        found = []
        for name in sorted(expected.keys() | got.keys()):
            found += differences(expected.get(name, ABSENT), got.get(name, ABSENT), f"{path}/{name}")
        return found
    if isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        return [one for at, pair in enumerate(zip(expected, got)) for one in differences(*pair, f"{path}/{at}")]
    if type(expected) is type(got) and expected == got:
        return []
    return [(path, expected, got)]


class Absent:
    """Stands for a member that is not there."""

    def __repr__(self):
        return "(absent)"


ABSENT = Absent()
