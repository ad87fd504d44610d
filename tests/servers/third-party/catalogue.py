"""The twenty third-party servers: how an operator starts each one, and a call of each that changes nothing."""

import json
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent

# Nothing listens there: requests to the internet end here, with the same error every time.
CLOSED = "http://127.0.0.1:9"
# The mark of a user in everything that belongs to that user; also how the proxy escapes `github:1` in a path.
USERS = {"github:1": "github_3a1", "github:2": "github_3a2"}


@dataclass(frozen=True)
class Server:
    """A server of npm or PyPI, an entry of mcp-servers.json, and one call."""

    name: str
    package: str
    tool: str
    arguments: dict
    args: list = field(default_factory=list)
    env: dict = field(default_factory=dict)
    files: dict = field(default_factory=dict)
    python: bool = False

    @property
    def version(self) -> str:
        """Returns the pinned version."""
        if not self.python:
            return json.loads((HERE / "package.json").read_text())["dependencies"][self.package]
        pins = (HERE / "python" / f"{self.package}.txt").read_text()
        return re.search(rf"^{re.escape(self.package)}==(\S+)", pins, re.MULTILINE)[1]

    @property
    def shown(self) -> str:
        """Returns the package with its registry and version."""
        return f"{'PyPI' if self.python else 'npm'} `{self.package}` {self.version}"

    def entry(self, installed: Path, python: str) -> dict:
        """Returns the entry of mcp-servers.json, in which `{user}` stands for a user's mark."""
        home = str(home_of(installed, "{user}"))
        env = {
            "HOME": home,
            "HTTP_PROXY": CLOSED,
            "HTTPS_PROXY": CLOSED,
            "NO_PROXY": "127.0.0.1,localhost",
            "NODE_USE_ENV_PROXY": "1",
        } | self.env
        if self.python:
            command, finder = "uvx", [f"{self.package}=={self.version}"]
            env |= {
                "UV_CACHE_DIR": str(installed / "uv-cache"),
                "UV_FIND_LINKS": str(installed / "wheels" / self.package),
                "UV_OFFLINE": "1",
                "UV_PYTHON": python,
            }
        else:
            command, finder = "npx", ["-y", f"{self.package}@{self.version}"]
            env |= {
                "npm_config_cache": str(installed / "npm-cache"),
                "npm_config_offline": "true",
                "npm_config_update_notifier": "false",
            }
        args = [arg.replace("{home}", home) for arg in self.args]
        env = {name: value.replace("{home}", home) for name, value in env.items()}
        return {"command": command, "args": finder + args, "env": env, "cwd": home}

    def call(self, installed: Path, user: str) -> dict:
        """Returns the parameters of `tools/call` for `user`."""
        home = str(home_of(installed, USERS[user]))
        text = json.dumps(self.arguments).replace("{home}", home).replace("{user}", USERS[user])
        return {"name": self.tool, "arguments": json.loads(text)}


def home_of(installed: Path, mark: str) -> Path:
    """Returns the home and working directory of a user. It lies in the npm project, so npx finds what is
    installed there and downloads nothing."""
    return installed / "node" / "homes" / mark


def chromium() -> str:
    """Returns the path of a browser."""
    for path in ("/usr/bin/chromium", "/usr/bin/google-chrome"):
        if Path(path).exists():
            return path
    raise SystemExit("error: neither /usr/bin/chromium nor /usr/bin/google-chrome exists")


KUBECONFIG = f"""apiVersion: v1
kind: Config
clusters: [{{name: closed, cluster: {{server: "{CLOSED}"}}}}]
users: [{{name: "{{user}}", user: {{token: dummy}}}}]
contexts: [{{name: dummy, context: {{cluster: closed, user: "{{user}}"}}}}]
current-context: dummy
"""


def servers() -> list:
    """Returns all twenty."""
    browser = chromium()
    return [
        Server("context7", "@upstash/context7-mcp", "resolve-library-id",
               {"query": "{user}", "libraryName": "{user}"}, env={"CONTEXT7_API_KEY": "ctx7sk-dummy"}),
        Server("notion", "@notionhq/notion-mcp-server", "API-get-self", {}, env={"NOTION_TOKEN": "ntn_dummy"}),
        Server("firecrawl", "firecrawl-mcp", "firecrawl_map", {"url": "https://example.com/{user}"},
               env={"FIRECRAWL_API_KEY": "fc-dummy", "FIRECRAWL_API_URL": CLOSED}),
        Server("kubernetes", "kubernetes-mcp-server", "configuration_view", {},
               args=["--kubeconfig", "{home}/kubeconfig"], files={"kubeconfig": KUBECONFIG}),
        Server("supabase", "@supabase/mcp-server-supabase", "list_migrations", {},
               args=["--project-ref=dummy", "--features=database"], env={"SUPABASE_ACCESS_TOKEN": "sbp_dummy"}),
        Server("sentry", "@sentry/mcp-server", "search_sentry_tools", {"query": "list the projects"},
               args=["--access-token=dummy"]),
        Server("mongodb", "mongodb-mcp-server", "list-databases", {"connectionId": "{user}"},
               args=["--telemetry", "disabled", "--readOnly"]),
        Server("tavily", "tavily-mcp", "tavily_search", {"query": "{user}"}, env={"TAVILY_API_KEY": "tvly-dummy"}),
        Server("brave", "@brave/brave-search-mcp-server", "brave_web_search", {"query": "{user}"},
               args=["--transport", "stdio"], env={"BRAVE_API_KEY": "dummy"}),
        Server("exa", "exa-mcp-server", "web_search_exa", {"query": "{user}"}, env={"EXA_API_KEY": "dummy"}),
        Server("grafana", "mcp-grafana", "generate_deeplink", {"resourceType": "dashboard", "dashboardUid": "{user}"},
               env={"GRAFANA_URL": CLOSED, "GRAFANA_SERVICE_ACCOUNT_TOKEN": "dummy"}, python=True),
        Server("sqlite", "mcp-server-sqlite", "read_query", {"query": "SELECT '{user}' AS name"},
               args=["--db-path", "{home}/notes.db"], python=True),
        Server("obsidian", "obsidian-mcp", "obsidian_read_note", {"vault": "vault", "path": "note.md"},
               args=["{home}/vault"], files={"vault/.obsidian/app.json": "{}", "vault/note.md": "# {user}\n"}),
        Server("arxiv", "arxiv-mcp-server", "list_papers", {}, args=["--storage-path", "{home}/papers"], python=True),
        Server("markitdown", "markitdown-mcp", "convert_to_markdown", {"uri": "file://{home}/page.html"},
               files={"page.html": "<h1>{user}</h1><table><tr><td>a</td><td>b</td></tr></table>"}, python=True),
        Server("chrome-devtools", "chrome-devtools-mcp", "new_page", {"url": "data:text/html,<title>{user}</title>"},
               args=["--headless", "--isolated", "--executablePath", browser, "--chromeArg=--no-sandbox",
                     "--no-usage-statistics"]),
        Server("playwright", "@playwright/mcp", "browser_navigate",
               {"url": "data:text/html,<title>{user}</title><h1>{user}</h1>"},
               args=["--headless", "--isolated", "--no-sandbox", "--executable-path", browser]),
        Server("desktop-commander", "@wonderwhy-er/desktop-commander", "read_file", {"path": "{home}/note.txt"},
               args=["--no-onboarding"], files={"note.txt": "{user}\n"}),
        Server("github", "@modelcontextprotocol/server-github", "search_repositories", {"query": "{user}"},
               env={"GITHUB_PERSONAL_ACCESS_TOKEN": "ghp_dummy"}),
        Server("duckduckgo", "duckduckgo-mcp-server", "expand_link", {"token": "ref://{user}"}, python=True),
    ]


def lay_out(server: Server, installed: Path) -> None:
    """Makes the homes of both users as they were at first, with the files of `server`."""
    for mark in USERS.values():
        home = home_of(installed, mark)
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        for name, text in server.files.items():
            path = home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace("{user}", mark))
