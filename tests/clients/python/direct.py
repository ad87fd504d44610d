"""The official Python SDK, of either generation, as a client of the proxy, without a gateway in front of it.

usage: direct.py MODE USER URL TOOL ARGUMENTS [URL TOOL ARGUMENTS ...]

MODE is how 2.x finds out what the server speaks, "auto" or "legacy"; 1.x knows the handshake alone. For each
URL: the opening, tools/list and ROUNDS calls of the tool, or none if TOOL is "-"; prints one line of JSON a
URL. What a server asks its client is answered with MARK.
"""

import asyncio
import json
import os
import sys
from contextlib import asynccontextmanager

from mcp.client.streamable_http import streamable_http_client

try:  # 2.x
    import httpx2 as httpx
    import mcp_types as types
    from mcp.client import Client
except ImportError:  # 1.x
    import httpx
    from mcp import ClientSession, types

    Client = None

MARK = os.environ["MARK"]


def plain(model):
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


async def sample(context, params):
    content = types.TextContent(type="text", text=MARK)
    return types.CreateMessageResult(role="assistant", content=content, model="none")


async def elicit(context, params):
    schema = plain(params)["requestedSchema"]
    return types.ElicitResult(action="accept", content=dict.fromkeys(schema["required"], MARK))


ANSWERS = {"sampling_callback": sample, "elicitation_callback": elicit}


@asynccontextmanager
async def connected(mode, url, http):
    """A client, what the server is, and the revision they speak."""
    if Client is not None:
        async with Client(streamable_http_client(url, http_client=http), mode=mode, **ANSWERS) as client:
            yield client, client.server_info, client.protocol_version
    else:
        async with streamable_http_client(url, http_client=http) as (incoming, outgoing, _):
            async with ClientSession(incoming, outgoing, **ANSWERS) as client:
                opened = await client.initialize()
                yield client, opened.serverInfo, opened.protocolVersion


async def use(mode, user, url, tool, arguments):
    timeout = httpx.Timeout(60, read=120)
    async with httpx.AsyncClient(headers={"X-User-Id": user}, timeout=timeout) as http:
        async with connected(mode, url, http) as (client, server, revision):
            tools = await client.list_tools()
            rounds = 0 if tool == "-" else int(os.environ["ROUNDS"])
            results = [plain(await client.call_tool(tool, arguments)) for _ in range(rounds)]
    names = [tool.name for tool in tools.tools]
    return {"server": plain(server), "revision": revision, "tools": names, "results": results}


async def main(mode, user, words):
    for url, tool, arguments in zip(words[::3], words[1::3], words[2::3], strict=True):
        print(json.dumps(await use(mode, user, url, tool, json.loads(arguments))), flush=True)


asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
