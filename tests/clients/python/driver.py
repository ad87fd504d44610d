"""The official Python SDK, of either generation, as a headless client of the gateway.

Reads commands from its input and writes answers to its output, a line of JSON each; see tests/src/sdk.rs.
SSL_CERT_FILE names the CA.
"""

import asyncio
import json
import os
import re
import ssl
import sys
import time
from contextlib import AsyncExitStack, asynccontextmanager
from html.parser import HTMLParser
from urllib.parse import parse_qs, urljoin, urlsplit

from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientMetadata

try:  # 2.x
    import httpx2 as httpx
    from mcp.client import Client
    from mcp.shared.auth import AuthorizationCodeResult
except ImportError:  # 1.x
    import httpx
    from mcp.client.session import ClientSession

    Client = None

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

    def __init__(self, callback, login_code):
        self.callback = callback
        self.login_code = login_code

    async def login(self, url):
        async with httpx.AsyncClient(verify=TLS, trust_env=False) as http:
            answer = await http.get(url)
            while True:
                url = self.next(answer)
                if url is None:
                    answer = await self.consent(http, answer)
                elif url.startswith(self.callback + "?"):
                    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
                else:
                    answer = await http.get(url)

    async def consent(self, http, page):
        page.raise_for_status()
        code = self.login_code
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
    """Tokens and registration of one client."""

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


class Connection:
    """One client at one server."""

    def __init__(self, command):
        self.url = command["url"]
        self.callback = command["callback"]
        self.browser = Browser(self.callback, command.get("login_code"))
        self.logins = 0
        self.answers = {}
        metadata = OAuthClientMetadata(
            client_name="Python SDK driver",
            redirect_uris=[self.callback],
            token_endpoint_auth_method="none",
        )
        self.provider = OAuthClientProvider(
            self.url,
            metadata,
            Memory(),
            self.redirect,
            self.returned,
            client_metadata_url=command.get("client_id"),
        )

    async def redirect(self, authorize):
        self.logins += 1
        self.answers = await self.browser.login(authorize)

    async def returned(self):
        code, state = self.answers["code"], self.answers.get("state")
        if Client is None:
            return code, state
        return AuthorizationCodeResult(code=code, state=state, iss=self.answers.get("iss"))

    @asynccontextmanager
    async def open(self):
        timeout = httpx.Timeout(30, read=60)
        async with httpx.AsyncClient(
            auth=self.provider, verify=TLS, timeout=timeout, trust_env=False
        ) as http:
            streams = streamable_http_client(self.url, http_client=http)
            if Client is None:
                async with streams as (read, write, _), ClientSession(read, write) as session:
                    await session.initialize()
                    yield session
            else:
                async with Client(streams) as client:
                    yield client

    def expire(self):
        """Makes the access token old. This SDK knows that by its own clock alone."""
        self.provider.context.token_expiry_time = time.time() - 1

    def state(self):
        token = self.provider.context.current_tokens.access_token
        return {"token": token, "logins": self.logins}


async def main():
    async with AsyncExitStack() as stack:
        while line := await asyncio.to_thread(sys.stdin.readline):
            command = json.loads(line)
            if command["do"] == "open":
                await stack.aclose()
                connection = Connection(command)
                session = await stack.enter_async_context(connection.open())
                tools = await session.list_tools()
                answer = {"tools": [tool.name for tool in tools.tools]}
            else:
                if command["do"] == "expire-and-call":
                    connection.expire()
                result = await session.call_tool(command["tool"], command["arguments"])
                answer = {"result": result.model_dump(mode="json", by_alias=True, exclude_none=True)}
            print(json.dumps(answer | connection.state()), flush=True)


asyncio.run(main())
