// The official TypeScript SDK, of either generation, as a headless client of the gateway.
//
// usage: driver.mjs client|sdk
//
// `client` is @modelcontextprotocol/client (2.x), `sdk` is @modelcontextprotocol/sdk (1.x). Reads commands
// from its input and writes answers to its output, a line of JSON each; see tests/src/sdk.rs.
// NODE_EXTRA_CA_CERTS names the CA.

import { createInterface } from 'node:readline';

import { Browser } from './browser.mjs';

const GENERATIONS = {
  async client() {
    const sdk = await import('@modelcontextprotocol/client');
    return { ...sdk, options: { versionNegotiation: { mode: 'auto' } }, returned: (answer) => answer };
  },
  async sdk() {
    const [core, transport, auth] = await Promise.all([
      import('@modelcontextprotocol/sdk/client/index.js'),
      import('@modelcontextprotocol/sdk/client/streamableHttp.js'),
      import('@modelcontextprotocol/sdk/client/auth.js'),
    ]);
    return { ...core, ...transport, ...auth, options: {}, returned: (answer) => answer.get('code') };
  },
};

const sdk = await GENERATIONS[process.argv[2]]();

/** Registration, tokens and verifier of one client. */
class Provider {
  logins = 0;
  constructor({ callback, client_id, login_code }) {
    this.redirectUrl = callback;
    this.clientMetadataUrl = client_id;
    this.browser = () => new Browser(callback, login_code);
    this.clientMetadata = {
      client_name: 'TypeScript SDK driver',
      redirect_uris: [callback],
      token_endpoint_auth_method: 'none',
    };
  }
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
    this.logins += 1;
    this.answer = (await this.browser().login(url)).searchParams;
  }
}

/** One client at one server. */
class Connection {
  constructor(command) {
    this.url = new URL(command.url);
    this.provider = new Provider(command);
  }

  async open() {
    this.transport = new sdk.StreamableHTTPClientTransport(this.url, { authProvider: this.provider });
    this.client = new sdk.Client({ name: 'driver', version: '1.0.0' }, sdk.options);
    try {
      await this.client.connect(this.transport);
    } catch (error) {
      await this.#finishLogin(error);
      // A transport starts once.
      await this.open();
    }
  }

  async call(name, args) {
    const call = () => this.client.callTool({ name, arguments: args });
    try {
      return await call();
    } catch (error) {
      await this.#stepUp(error, call);
      return call();
    }
  }

  /** What the SDK leaves to the application when the token has too little scope. */
  async #stepUp(error, call) {
    if (sdk.StreamableHTTPError && error.code === 403) {
      // 1.x answers the challenge with a refresh, which cannot give more, and then stops: the
      // application drops the tokens, so that the next call logs in anew.
      this.provider.saved = undefined;
      error = await call().then(
        () => new Error('a call without a token was answered'),
        (refused) => refused,
      );
    }
    await this.#finishLogin(error);
  }

  async #finishLogin(error) {
    const { answer } = this.provider;
    if (!(error instanceof sdk.UnauthorizedError) || !answer) throw error;
    this.provider.answer = undefined;
    await this.transport.finishAuth(sdk.returned(answer));
  }

  /** Makes the access token old, so that the next request is answered with 401. */
  expire() {
    this.provider.saved = { ...this.provider.saved, access_token: 'expired' };
  }

  state() {
    return { token: this.provider.saved.access_token, logins: this.provider.logins };
  }
}

let connection;
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  let answer;
  if (command.do === 'open') {
    await connection?.client.close();
    connection = new Connection(command);
    await connection.open();
    const { tools } = await connection.client.listTools();
    answer = { tools: tools.map(({ name }) => name) };
  } else {
    if (command.do === 'expire-and-call') connection.expire();
    answer = { result: await connection.call(command.tool, command.arguments) };
  }
  console.log(JSON.stringify({ ...answer, ...connection.state() }));
}
await connection?.client.close();
