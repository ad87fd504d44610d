// An OpenID provider for tests: oidc-provider of npm, with people and keys that a test can change.
//
//   node oidc.mjs PACKAGES OPTIONS
//
// PACKAGES is the directory of node_modules. OPTIONS is JSON: `redirect`, the callback URL of the only client;
// `logout`, where its logout tokens go; `algorithm` of ID tokens; `thin`, whether an ID token has no claims but
// `sub`. Prints its issuer when it listens, on a port of loopback. Ends with its standard input.
//
//   PUT    /test/people/ID   the claims of a person, as JSON
//   DELETE /test/people/ID   removes the account
//   POST   /test/rotate      replaces the signing keys

import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

const [packages, options] = [process.argv[2], JSON.parse(process.argv[3])];
const load = (path) => import(pathToFileURL(`${packages}/node_modules/${path}`).href);
const { Provider } = await load('oidc-provider/lib/index.js');
const { createMemoryAdapter } = await load('oidc-provider/lib/adapters/memory_adapter.js');
const { exportJWK, generateKeyPair } = await load('jose/dist/webapi/index.js');

// Grants and sessions outlive a rotation of the keys.
const adapter = createMemoryAdapter();
const people = new Map();
let rotations = 0;

async function signingKey(alg) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...await exportJWK(privateKey), use: 'sig', kid: `${alg}-${rotations}` };
}

function account(_context, id) {
  if (!people.has(id)) return undefined;
  return { accountId: id, claims: () => ({ sub: id, ...people.get(id) }) };
}

async function provider(issuer) {
  const algorithms = ['RS256', 'ES256', 'EdDSA'];
  const made = new Provider(issuer, {
    adapter,
    jwks: { keys: await Promise.all(algorithms.map(signingKey)) },
    enabledJWA: { idTokenSigningAlgValues: ['RS256', 'RS512', 'PS256', 'ES256', 'EdDSA'] },
    clients: [{
      client_id: 'gateway',
      client_secret: 'gateway secret/+%',
      redirect_uris: [options.redirect],
      response_types: ['code'],
      grant_types: ['authorization_code', 'refresh_token'],
      id_token_signed_response_alg: options.algorithm ?? 'RS256',
      ...(options.logout && {
        backchannel_logout_uri: options.logout,
        backchannel_logout_session_required: true,
      }),
    }],
    scopes: ['openid', 'offline_access', 'profile', 'email', 'groups'],
    claims: {
      openid: ['sub'],
      profile: ['name', 'preferred_username'],
      email: ['email', 'email_verified'],
      groups: ['groups'],
    },
    conformIdTokenClaims: options.thin === true,
    findAccount: account,
    pkce: { required: () => true },
    features: {
      backchannelLogout: { enabled: true },
      devInteractions: { enabled: true },
      rpInitiatedLogout: { enabled: true },
    },
    issueRefreshToken: (_context, client, code) =>
      client.grantTypeAllowed('refresh_token') && code.scopes.has('offline_access'),
    rotateRefreshToken: true,
    ttl: { AccessToken: 60, Grant: 3600, IdToken: 60, Interaction: 600, RefreshToken: 3600, Session: 3600 },
    cookies: { keys: ['of a test'] },
    // Its own fetch refuses loopback, where the receiver of logout tokens is.
    fetch: (url, { dispatcher: _, ...rest }) => fetch(url, rest),
  });
  for (const event of ['backchannel.error', 'server_error']) {
    made.on(event, (...values) => console.error(event, ...values.filter((value) => value instanceof Error)));
  }
  return made.callback();
}

async function administer(method, [what, id], body) {
  if (what === 'people' && method === 'PUT') people.set(id, JSON.parse(body));
  else if (what === 'people' && method === 'DELETE') people.delete(id);
  else if (what === 'rotate') {
    rotations += 1;
    serve = await provider(issuer);
  } else return 404;
  return 204;
}

let issuer;
let serve;
const server = createServer(async (request, response) => {
  const [, first, ...rest] = new URL(request.url, issuer).pathname.split('/');
  if (first !== 'test') return serve(request, response);
  let body = '';
  for await (const chunk of request) body += chunk;
  response.statusCode = await administer(request.method, rest, body);
  response.end();
});
server.listen(0, '127.0.0.1', async () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  serve = await provider(issuer);
  console.log(issuer);
});
process.stdin.on('end', () => process.exit(0)).resume();
