#!/usr/bin/env python3
"""Counts doc comments of a crate that do not read like documentation.

usage: doc_comments.py [--list] CRATE...

Fails if more than 3 % of the docs of a crate open with a relative or interrogative word, or more than 5 %
have at most three words. With --list, prints each of them.
"""

import pathlib
import re
import sys

OPENERS = {
    "what", "whether", "who", "whom", "whose", "how", "which", "where", "when", "whatever", "whoever", "those",
    "nobody", "everybody",
}
MOST_OPENERS, MOST_SHORT, SHORT = 0.03, 0.05, 3


def docs(path):
    """Yields the line and the text of each doc comment in a file."""
    block, start = [], 0
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate([*lines, ""], 1):
        found = re.match(r"\s*//[/!](?!/) ?(.*)", line)
        if found:
            start = start if block else number
            block.append(found[1])
        elif block:
            yield start, " ".join(" ".join(block).split())
            block = []


def opens_badly(text):
    words = re.findall(r"[A-Za-z]+", text)[:2]
    first = words[0].lower() if words else ""
    return first in OPENERS or [word.lower() for word in words] in (["of", "which"], ["of", "whom"])


def main():
    arguments = sys.argv[1:]
    listing = "--list" in arguments
    failed = False
    for crate in (one for one in arguments if one != "--list"):
        total, openers, short = 0, [], []
        for path in sorted(pathlib.Path(crate, "src").rglob("*.rs")):
            for line, text in docs(path):
                total += 1
                if opens_badly(text):
                    openers.append((path, line, text))
                if len(text.split()) <= SHORT:
                    short.append((path, line, text))
        shares = [(openers, MOST_OPENERS, "open with What, Whether, Who …"), (short, MOST_SHORT, "have at most three words")]
        for found, most, what in shares:
            share = len(found) / max(total, 1)
            print(f"{crate}: {len(found)} of {total} docs ({share:.1%}, at most {most:.0%}) {what}")
            failed |= share > most
            if listing or share > most:
                for path, line, text in found if listing else found[:10]:
                    print(f"  {path}:{line}: {text[:100]}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
