// The official TypeScript SDK as a client of the proxy, without a gateway in front of it.
//
// usage: direct.mjs USER URL TOOL ARGUMENTS [URL TOOL ARGUMENTS ...]
//
// For each URL: the handshake, tools/list and ROUNDS calls of the tool, or none if TOOL is "-"; prints
// one line of JSON a URL.

import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

async function use(user, url, tool, args) {
  const requestInit = { headers: { 'X-User-Id': user } };
  const client = new Client(
    { name: 'direct', version: '1.0.0' },
    { versionNegotiation: { mode: 'auto' } },
  );
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }));
  const { tools } = await client.listTools();
  const results = [];
  const rounds = tool === '-' ? 0 : Number(process.env.ROUNDS);
  for (let round = 0; round < rounds; round += 1) {
    results.push(await client.callTool({ name: tool, arguments: args }));
  }
  const server = client.getServerVersion();
  await client.close();
  return { server, tools: tools.map(({ name }) => name), results };
}

const [user, ...words] = process.argv.slice(2);
for (let at = 0; at < words.length; at += 3) {
  const [url, tool, args] = words.slice(at, at + 3);
  console.log(JSON.stringify(await use(user, url, tool, JSON.parse(args))));
}
