// The official TypeScript SDK, of either generation, as a client of the proxy, without a gateway in front
// of it.
//
// usage: direct.mjs MODE USER URL TOOL ARGUMENTS [URL TOOL ARGUMENTS ...]
//
// MODE is how @modelcontextprotocol/client (2.x) finds out what the server speaks, "auto", "legacy" or
// "pinned", or "1" for @modelcontextprotocol/sdk (1.x). For each URL: the opening, tools/list and ROUNDS
// calls of the tool, or none if TOOL is "-"; prints one line of JSON a URL. What a server asks its client
// is answered with MARK.

const PINNED = '2026-07-28';
const { MARK, ROUNDS } = process.env;
const [mode, user, ...words] = process.argv.slice(2);

const answers = {
  'sampling/createMessage': () => ({
    role: 'assistant',
    content: { type: 'text', text: MARK },
    model: 'none',
  }),
  'elicitation/create': ({ params }) => ({
    action: 'accept',
    content: Object.fromEntries(params.requestedSchema.required.map((name) => [name, MARK])),
  }),
};

async function second() {
  const { Client, StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client');
  const versionNegotiation = { mode: mode === 'pinned' ? { pin: PINNED } : mode };
  return {
    Client,
    Transport: StreamableHTTPClientTransport,
    options: { versionNegotiation },
    answer: (client, method, answer) => client.setRequestHandler(method, answer),
    revision: (client) => client.getNegotiatedProtocolVersion(),
  };
}

async function first() {
  const sdk = '@modelcontextprotocol/sdk';
  const [{ Client }, { StreamableHTTPClientTransport: Transport }, types] = await Promise.all([
    import(`${sdk}/client/index.js`),
    import(`${sdk}/client/streamableHttp.js`),
    import(`${sdk}/types.js`),
  ]);
  const schemas = {
    'sampling/createMessage': types.CreateMessageRequestSchema,
    'elicitation/create': types.ElicitRequestSchema,
  };
  return {
    Client,
    Transport,
    options: {},
    answer: (client, method, answer) => client.setRequestHandler(schemas[method], answer),
    revision: (_, transport) => transport.protocolVersion,
  };
}

const { Client, Transport, options, answer, revision } = await (mode === '1' ? first() : second());

async function use(url, tool, args) {
  const requestInit = { headers: { 'X-User-Id': user } };
  const capabilities = { sampling: {}, elicitation: {} };
  const client = new Client({ name: 'direct', version: '1.0.0' }, { ...options, capabilities });
  for (const [method, reply] of Object.entries(answers)) answer(client, method, reply);
  const transport = new Transport(new URL(url), { requestInit });
  await client.connect(transport);
  const { tools } = await client.listTools();
  const results = [];
  const rounds = tool === '-' ? 0 : Number(ROUNDS);
  for (let round = 0; round < rounds; round += 1) {
    results.push(await client.callTool({ name: tool, arguments: args }));
  }
  const server = client.getServerVersion();
  const spoken = revision(client, transport);
  await client.close();
  return { server, revision: spoken, tools: tools.map(({ name }) => name), results };
}

for (let at = 0; at < words.length; at += 3) {
  const [url, tool, args] = words.slice(at, at + 3);
  console.log(JSON.stringify(await use(url, tool, JSON.parse(args))));
}
