"""Compares the third-party servers over raw stdio with the same servers through the proxy: scripts/servers."""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import report
from catalogue import servers
from messages import Failure
from proxied import Proxy
from runs import Runs, brief

ROOT = Path(__file__).parents[3]
REPORT = ROOT / "docs/THIRD-PARTY-SERVERS.md"


def main() -> int:
    """Returns the exit status."""
    options = parse()
    chosen = [one for one in servers() if not options.only or one.name in options.only]
    if options.list:
        for server in chosen:
            print(f"{server.name:20} {server.shown}")
        return 0
    if not chosen:
        print(f"error: there is no server {', '.join(options.only)}", file=sys.stderr)
        return 2
    try:
        outcomes = compare(chosen, options)
    except Failure as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    text = report.table(outcomes, conditions(options.proxy))
    print(text)
    file = options.report or (None if options.only else REPORT)
    if file:
        report.write(file, text)
    return 0 if all(one.good for one in outcomes) else 1


def parse():
    """Returns the options."""
    parser = argparse.ArgumentParser(prog="scripts/servers")
    parser.add_argument("--proxy", required=True)
    parser.add_argument("--installed", type=Path, required=True)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--report", type=Path)
    parser.add_argument("--transcripts", type=Path)
    parser.add_argument("--list", action="store_true")
    return parser.parse_args()


def compare(chosen: list, options) -> list:
    """Returns the outcome of each server, one after the other."""
    installed = options.installed.resolve()
    base_env = {name: os.environ[name] for name in ("PATH", "TZ") if name in os.environ} | {"LANG": "C.UTF-8"}
    entries = {one.name: one.entry(installed, os.path.realpath(sys.executable)) for one in chosen}
    with tempfile.TemporaryDirectory() as directory, open(Path(directory) / "raw.log", "wb") as log:
        config = Path(directory) / "mcp-servers.json"
        config.write_text(json.dumps({"mcpServers": entries}))
        proxy = Proxy(options.proxy, config, base_env, Path(directory) / "proxy.log")
        try:
            outcomes = []
            for server in chosen:
                outcome = Runs(server, proxy, entries[server.name], installed, base_env, log).all()
                tell(outcome, options.transcripts)
                outcomes.append(outcome)
        finally:
            proxy.close()
            if options.transcripts:
                options.transcripts.mkdir(parents=True, exist_ok=True)
                for name in ("proxy.log", "raw.log"):
                    shutil.copy(Path(directory) / name, options.transcripts)
    return outcomes


def tell(outcome, transcripts) -> None:
    """Writes what came out for one server on standard error, and its answers into a file if wanted."""
    print(f"==> {outcome.server.name}: {report.result(outcome)}", file=sys.stderr)
    for one in outcome.differences:
        if not one.reason:
            print(f"    {one.era}, {one.run}: {one.place}\n      raw:     {brief(one.expected)}\n"
                  f"      proxied: {brief(one.got)}", file=sys.stderr)
    sys.stderr.flush()
    if transcripts:
        transcripts.mkdir(parents=True, exist_ok=True)
        file = transcripts / f"{outcome.server.name}.json"
        file.write_text(json.dumps(outcome.answers, indent=1, ensure_ascii=False))


def conditions(proxy: str) -> str:
    """Returns what the result depends on."""
    def said(*command):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip() or "unknown"

    return (f"{report.today()}, {said(proxy, '--version')}, commit {said('git', 'rev-parse', '--short', 'HEAD')}, "
            f"Linux {platform.release()}, Node.js {said('node', '--version')}, Python {platform.python_version()}.")


if __name__ == "__main__":
    sys.exit(main())
