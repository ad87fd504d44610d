// An application and a device that want access: their requests, and where the answers arrive.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';

const { ISSUER, RESOURCE } = process.env;

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

async function post(path, type, body) {
  const answer = await fetch(new URL(path, ISSUER), { method: 'POST', headers: { 'Content-Type': type }, body });
  return answer.json();
}

const register = (metadata) =>
  post('/register', 'application/json', JSON.stringify({ ...metadata, token_endpoint_auth_method: 'none' }));

/** A program without a browser (RFC 8628): what it shows, and what it gets. */
export class Device {
  async ask() {
    const { client_id } = await register({ client_name: 'Television', grant_types: [DEVICE_GRANT] });
    this.id = client_id;
    const form = new URLSearchParams({ client_id, resource: RESOURCE });
    Object.assign(this, await post('/device_authorization', 'application/x-www-form-urlencoded', form));
    return this;
  }

  token() {
    const form = new URLSearchParams({ grant_type: DEVICE_GRANT, client_id: this.id, device_code: this.device_code });
    return post('/token', 'application/x-www-form-urlencoded', form);
  }
}

/** The client: where its answer arrives, over plain HTTP on loopback as native applications do it. */
export class Client {
  async listen() {
    this.server = createServer((request, response) => {
      this.arrived?.(new URL(request.url, this.redirectUri));
      response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>Done</title>Done');
    });
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    this.redirectUri = `http://127.0.0.1:${this.server.address().port}/callback`;
    const registered = await register({ client_name: 'Notes for the team', redirect_uris: [this.redirectUri] });
    this.id = registered.client_id;
  }

  authorize(changes = {}) {
    const url = new URL('/authorize', ISSUER);
    const challenge = createHash('sha256').update('v'.repeat(43)).digest('base64url');
    const parameters = {
      response_type: 'code',
      client_id: this.id,
      redirect_uri: this.redirectUri,
      code_challenge: challenge,
      code_challenge_method: 'S256',
      resource: RESOURCE,
      state: 'a-state',
      ...changes,
    };
    url.search = new URLSearchParams(parameters);
    return url.href;
  }

  /** What a code gives; the verifier is always the same. */
  token(code) {
    const grant = { grant_type: 'authorization_code', client_id: this.id, code, code_verifier: 'v'.repeat(43) };
    return post('/token', 'application/x-www-form-urlencoded', new URLSearchParams(grant));
  }

  /** The parameters of the answer that the steps lead to. */
  async answer(steps) {
    const arrived = new Promise((resolve) => (this.arrived = (url) => url.pathname === '/callback' && resolve(url)));
    await steps();
    const url = await Promise.race([arrived, timeout('the client got no answer')]);
    assert.equal(url.searchParams.get('iss'), ISSUER);
    assert.equal(url.searchParams.get('state'), 'a-state');
    return url.searchParams;
  }

  close() {
    this.server.close();
    this.server.closeAllConnections();
  }
}

function timeout(what) {
  return new Promise((_, reject) => setTimeout(() => reject(new Error(what)), 15_000).unref());
}
