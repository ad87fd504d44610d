"""The official Python SDK as a client of the proxy, without a gateway in front of it.

usage: direct.py USER URL TOOL ARGUMENTS [URL TOOL ARGUMENTS ...]

For each URL: the handshake, tools/list and ROUNDS calls of the tool, or none if TOOL is "-"; prints one line
of JSON a URL.
"""

import asyncio
import json
import os
import sys

import httpx2
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client


def plain(model):
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


async def use(user, url, tool, arguments):
    timeout = httpx2.Timeout(60, read=120)
    async with httpx2.AsyncClient(headers={"X-User-Id": user}, timeout=timeout) as http:
        async with Client(streamable_http_client(url, http_client=http)) as client:
            tools = await client.list_tools()
            rounds = 0 if tool == "-" else int(os.environ["ROUNDS"])
            results = [plain(await client.call_tool(tool, arguments)) for _ in range(rounds)]
            server = plain(client.server_info)
    return {"server": server, "tools": [tool.name for tool in tools.tools], "results": results}


async def main(user, words):
    for url, tool, arguments in zip(words[::3], words[1::3], words[2::3], strict=True):
        print(json.dumps(await use(user, url, tool, json.loads(arguments))), flush=True)


asyncio.run(main(sys.argv[1], sys.argv[2:]))
