"""The official Python SDK as a headless client of the gateway.

usage: driver.py URL TOOL ARGUMENTS [URL TOOL ARGUMENTS ...]

For each URL: discovery, registration, login, tools/list and one tools/call; prints one line of JSON a URL.
LOGIN_CODE logs in with that code (good for one URL); without it the login goes to GitHub.
SSL_CERT_FILE names the CA.
"""

import asyncio
import json
import os
import re
import ssl
import sys
from html.parser import HTMLParser
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2
from mcp.client import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata

CALLBACK = "http://127.0.0.1:7778/callback"
TLS = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])


class HiddenFields(HTMLParser):
    """The hidden fields of a page; all its forms carry the same ones."""

    def __init__(self, page):
        super().__init__()
        self.fields = {}
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "input" and attributes.get("type") == "hidden":
            self.fields[attributes["name"]] = attributes["value"]


class Browser:
    """Follows the pages of a login until they lead to the client."""

    async def login(self, url):
        async with httpx2.AsyncClient(verify=TLS) as http:
            answer = await http.get(url)
            while True:
                url = self.next(answer)
                if url is None:
                    answer = await self.consent(http, answer)
                elif url.startswith(CALLBACK):
                    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
                else:
                    answer = await http.get(url)

    async def consent(self, http, page):
        page.raise_for_status()
        code = os.environ.get("LOGIN_CODE")
        form = HiddenFields(page.text).fields | {"decision": "local" if code else "github"}
        if code:
            form["login_code"] = code
        return await http.post(urljoin(str(page.url), "/authorize/consent"), data=form)

    @staticmethod
    def next(answer):
        refresh = re.fullmatch(r"0; url=(.+)", answer.headers.get("refresh", ""))
        target = answer.headers.get("location") or (refresh and refresh[1])
        return urljoin(str(answer.url), target) if target else None


class Memory:
    """Tokens and registration of one client, for the length of one run."""

    tokens = None
    client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


def provider(url):
    answers = {}

    async def redirect(authorize):
        answers.update(await Browser().login(authorize))

    async def callback():
        return AuthorizationCodeResult(
            code=answers["code"], state=answers.get("state"), iss=answers.get("iss")
        )

    metadata = OAuthClientMetadata(
        client_name="Python SDK driver",
        redirect_uris=[CALLBACK],
        token_endpoint_auth_method="none",
    )
    return OAuthClientProvider(url, metadata, Memory(), redirect, callback)


async def use(url, tool, arguments):
    timeout = httpx2.Timeout(30, read=60)
    async with httpx2.AsyncClient(auth=provider(url), verify=TLS, timeout=timeout) as http:
        async with Client(streamable_http_client(url, http_client=http)) as client:
            tools = await client.list_tools()
            result = await client.call_tool(tool, arguments)
    answer = {"url": url, "tools": [tool.name for tool in tools.tools]}
    return answer | {"result": result.model_dump(mode="json", by_alias=True, exclude_none=True)}


async def main(words):
    for url, tool, arguments in zip(words[::3], words[1::3], words[2::3], strict=True):
        print(json.dumps(await use(url, tool, json.loads(arguments))), flush=True)


asyncio.run(main(sys.argv[1:]))
