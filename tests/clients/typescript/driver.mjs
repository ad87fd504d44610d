// The official TypeScript SDK as a headless client of the gateway.
//
// usage: driver.mjs URL TOOL ARGUMENTS [URL TOOL ARGUMENTS ...]
//
// For each URL: discovery, registration, login, tools/list and one tools/call; prints one line of
// JSON a URL. LOGIN_CODE logs in with that code (good for one URL); without it the login goes to
// GitHub. NODE_EXTRA_CA_CERTS names the CA.

import { Client, StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client';

const CALLBACK = 'http://127.0.0.1:7779/callback';

/** Follows the pages of a login until they lead to the client; returns that URL. */
class Browser {
  #cookies = new Map();

  async login(url) {
    let page = await this.#open(url);
    for (;;) {
      const next = page.next;
      if (next === undefined) page = await this.#consent(page);
      else if (next.startsWith(CALLBACK)) return new URL(next);
      else page = await this.#open(next);
    }
  }

  async #consent(page) {
    if (page.status !== 200) throw new Error(`no consent page: ${page.status} ${page.text}`);
    const hidden = page.text.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]+)">/g);
    const form = new URLSearchParams([...hidden].slice(0, 2).map(([, name, value]) => [name, value]));
    const code = process.env.LOGIN_CODE;
    form.set('decision', code ? 'local' : 'github');
    if (code) form.set('login_code', code);
    return this.#open(new URL('/authorize/consent', page.url), { method: 'POST', body: form });
  }

  async #open(url, options = {}) {
    const { origin } = new URL(url);
    const jar = this.#cookies.get(origin) ?? new Map();
    this.#cookies.set(origin, jar);
    const cookie = [...jar].map((pair) => pair.join('=')).join('; ');
    const answer = await fetch(url, { ...options, redirect: 'manual', headers: { cookie } });
    for (const line of answer.headers.getSetCookie()) {
      const [pair] = line.split(';');
      jar.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
    }
    const refresh = answer.headers.get('refresh')?.match(/^0; url=(.+)$/)?.[1];
    const target = answer.headers.get('location') ?? refresh;
    const next = target && new URL(target, url).href;
    return { url, status: answer.status, text: await answer.text(), next };
  }
}

/** Registration, tokens and verifier of one client, for the length of one run. */
class Provider {
  redirectUrl = CALLBACK;
  clientMetadata = {
    client_name: 'TypeScript SDK driver',
    redirect_uris: [CALLBACK],
    token_endpoint_auth_method: 'none',
  };
  state = () => 'a state of the driver';
  clientInformation = () => this.client;
  saveClientInformation = (client) => void (this.client = client);
  tokens = () => this.saved;
  saveTokens = (tokens) => void (this.saved = tokens);
  codeVerifier = () => this.verifier;
  saveCodeVerifier = (verifier) => void (this.verifier = verifier);
  discoveryState = () => this.discovered;
  saveDiscoveryState = (state) => void (this.discovered = state);
  async redirectToAuthorization(url) {
    this.answer = await new Browser().login(url);
  }
}

async function connect(url, provider) {
  const transport = new StreamableHTTPClientTransport(new URL(url), { authProvider: provider });
  const client = new Client(
    { name: 'driver', version: '1.0.0' },
    { versionNegotiation: { mode: 'auto' } },
  );
  try {
    await client.connect(transport);
    return client;
  } catch (error) {
    if (!(error instanceof UnauthorizedError) || provider.saved) throw error;
    await transport.finishAuth(provider.answer.searchParams);
    return connect(url, provider);
  }
}

async function use(url, tool, args) {
  const client = await connect(url, new Provider());
  const { tools } = await client.listTools();
  const result = await client.callTool({ name: tool, arguments: args });
  await client.close();
  return { url, tools: tools.map(({ name }) => name), result };
}

for (let at = 2; at < process.argv.length; at += 3) {
  const [url, tool, args] = process.argv.slice(at, at + 3);
  console.log(JSON.stringify(await use(url, tool, JSON.parse(args))));
}
