"""client.py URL TOOL: calls a tool with FastMCP's client, which logs in by OAuth if it must, and keeps its tokens
on disk."""

import asyncio
import pathlib
import sys

from fastmcp import Client
from fastmcp.client.auth import OAuth
from key_value.aio.stores import filetree


async def main(url, tool):
    directory = pathlib.Path.home() / ".fastmcp-tokens"
    directory.mkdir(exist_ok=True)
    store = filetree.FileTreeStore(
        data_directory=directory,
        # Keys are URLs.
        key_sanitization_strategy=filetree.FileTreeV1KeySanitizationStrategy(directory),
        collection_sanitization_strategy=filetree.FileTreeV1CollectionSanitizationStrategy(directory),
    )
    async with Client(url, auth=OAuth(token_storage=store)) as client:
        result = await client.call_tool(tool, {"timezone": "UTC"})
        print(result.content[0].text)


asyncio.run(main(*sys.argv[1:]))
