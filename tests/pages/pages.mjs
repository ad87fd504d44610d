// The pages of the gateway in headless Chromium, as a person uses them: by keyboard, on a phone, in the
// light and in the dark. Each check is a line of output; the first thing that is wrong ends it.
//
// Environment: ISSUER, RESOURCE; CERTIFICATE, the only one that is trusted; LOGIN_CODES, eight fresh ones;
// NODE_EXTRA_CA_CERTS; SCREENSHOTS, a directory, if there are to be any; CHROMIUM, if it is elsewhere.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';

import { launch } from './browser.mjs';
import { contrast } from './contrast.mjs';

const { ISSUER, RESOURCE, CERTIFICATE, LOGIN_CODES, SCREENSHOTS } = process.env;
const codes = LOGIN_CODES.split(',');

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

const PHONE = { width: 360, height: 740 };
const DESK = { width: 1024, height: 768 };

async function post(path, type, body) {
  const answer = await fetch(new URL(path, ISSUER), { method: 'POST', headers: { 'Content-Type': type }, body });
  return answer.json();
}

const register = (metadata) =>
  post('/register', 'application/json', JSON.stringify({ ...metadata, token_endpoint_auth_method: 'none' }));

/** A program without a browser (RFC 8628): what it shows, and what it gets. */
class Device {
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
class Client {
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
}

function timeout(what) {
  return new Promise((_, reject) => setTimeout(() => reject(new Error(what)), 15_000).unref());
}

const client = new Client();
await client.listen();
const browser = await launch(CERTIFICATE);

/** A browser that has never been here; whatever it complains about fails the check. */
async function visit(options, steps) {
  const context = await browser.newContext({ viewport: DESK, ...options });
  const page = await context.newPage();
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    // Chromium notes the status of an error page as an error of its own.
    const status = /^Failed to load resource: the server responded with a status of 4\d\d/;
    if (['error', 'warning'].includes(message.type()) && !status.test(message.text())) {
      complaints.push(message.text());
    }
  });
  const result = await steps(page);
  assert.deepEqual(complaints, []);
  await context.close();
  return result;
}

/** What the focus is on. */
const focused = (page) =>
  page.evaluate(() => {
    const { name, value, tagName, textContent } = document.activeElement;
    const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
    const ring = outlineStyle !== 'none' && parseFloat(outlineWidth) >= 2;
    return { what: tagName === 'BUTTON' ? value : name || textContent.trim() || tagName, ring };
  });

/** Presses Tab until the focus is on `what`; returns everything on the way. */
async function tabTo(page, what) {
  const way = [];
  while (way.length < 20) {
    await page.keyboard.press('Tab');
    const { what: here, ring } = await focused(page);
    assert.ok(ring, `the focus cannot be seen on ${here}`);
    way.push(here);
    if (here === what) return way;
  }
  throw new Error(`Tab does not reach ${what}: ${way}`);
}

async function screenshot(page, name) {
  if (SCREENSHOTS) await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), animations: 'disabled' });
}

/** Legible everywhere: no sideways scrolling, contrast as WCAG 2.2 AA wants it, targets for a thumb. */
async function assertLegible(page, name) {
  const width = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(width[0] <= width[1], `${name} scrolls sideways: ${width}`);
  for (const { text, ratio, needed } of await page.evaluate(contrast)) {
    assert.ok(ratio >= needed, `${name}: contrast ${ratio.toFixed(2)} of “${text}”`);
  }
  const targets = await page.$$eval('button, input:not([type=hidden])', (all) =>
    all.map((one) => one.getBoundingClientRect().height),
  );
  assert.ok(targets.every((height) => height >= 44), `${name}: targets of ${targets} px`);
  assert.notEqual(await page.title(), '');
  assert.equal(await page.locator('h1').count(), 1);
  assert.equal(await page.locator('html[lang]').count(), 1);
}

/** Looks at a page in all forms, and keeps a picture of three of them. */
async function look(name, open) {
  for (const [form, options] of [
    ['light', { colorScheme: 'light' }],
    ['dark', { colorScheme: 'dark' }],
    ['phone', { colorScheme: 'light', viewport: PHONE }],
    ['phone-dark', { colorScheme: 'dark', viewport: PHONE }],
  ]) {
    await visit(options, async (page) => {
      await open(page);
      await assertLegible(page, `${name}, ${form}`);
      if (form !== 'phone-dark') await screenshot(page, `${name}-${form}`);
    });
  }
}

const consent = (page) => page.goto(client.authorize());
async function wrongCode(page) {
  await consent(page);
  await page.fill('[name=login_code]', 'WRNG-WRNG-WRNG-WRNG');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[role=alert]');
}

const CHECKS = {
  async 'the consent page says what matters'() {
    await visit({}, async (page) => {
      await consent(page);
      const text = await page.innerText('main');
      for (const part of ['Notes for the team', RESOURCE, new URL(client.redirectUri).host, 'on this computer']) {
        assert.ok(text.includes(part), `${part} is not in: ${text}`);
      }
    });
  },
  async 'by keyboard alone: a login with a code'() {
    await visit({}, async (page) => {
      await consent(page);
      assert.deepEqual(await tabTo(page, 'login_code'), ['github', 'login_code']);
      await page.keyboard.type(codes[0]);
      const answer = await client.answer(() => page.keyboard.press('Enter'));
      assert.ok(answer.get('code'));
      await page.waitForURL(`${client.redirectUri}?**`);
    });
  },
  async 'by keyboard alone: a wrong code, then the right one'() {
    await visit({}, async (page) => {
      await wrongCode(page);
      assert.ok(page.url().startsWith(ISSUER));
      // What is to be done next has the focus.
      assert.equal((await focused(page)).what, 'login_code');
      await page.keyboard.type(codes[1]);
      assert.ok((await client.answer(() => page.keyboard.press('Enter'))).get('code'));
    });
  },
  async 'by keyboard alone: no'() {
    await visit({}, async (page) => {
      await consent(page);
      assert.deepEqual(await tabTo(page, 'deny'), ['github', 'login_code', 'local', 'deny']);
      const answer = await client.answer(() => page.keyboard.press('Enter'));
      assert.equal(answer.get('error'), 'access_denied');
      assert.equal(answer.get('code'), null);
    });
  },
  async 'by keyboard alone: a login with GitHub, over three hosts'() {
    await visit({}, async (page) => {
      await consent(page);
      await tabTo(page, 'github');
      assert.ok((await client.answer(() => page.keyboard.press('Enter'))).get('code'));
    });
  },
  async 'without JavaScript: a login with a code'() {
    await visit({ javaScriptEnabled: false }, async (page) => {
      await consent(page);
      await page.getByLabel('Login code').fill(codes[2]);
      assert.ok((await client.answer(() => page.keyboard.press('Enter'))).get('code'));
    });
  },
  async 'a1: a double click on Allow, with a code and logged in'() {
    await visit({}, async (page) => {
      for (const decision of ['local', 'allow']) {
        await consent(page);
        await page.fill('[name=login_code]', codes[4]);
        const button = page.locator(`button[value=${decision}]`);
        const answer = await client.answer(() => button.dblclick({ noWaitAfter: true }));
        await page.waitForURL(`${client.redirectUri}?**`);
        assert.equal((await client.token(answer.get('code'))).token_type, 'Bearer', decision);
        // The address bar has what the client got: the second click was answered with the same code.
        assert.equal(new URL(page.url()).searchParams.get('code'), answer.get('code'));
      }
    });
  },
  async 'a3: three tabs at once, and a restarted browser'() {
    const kept = await visit({}, async (page) => {
      const tabs = [page, await page.context().newPage(), await page.context().newPage()];
      await Promise.all(tabs.map(consent));
      for (const [tab, number] of tabs.map((tab, index) => [tab, index + 5])) {
        await tab.fill('[name=login_code]', codes[number]);
        const answer = await client.answer(() => tab.locator('button[value=local]').click({ noWaitAfter: true }));
        assert.ok(answer.get('code'));
        await tab.waitForURL(`${client.redirectUri}?**`);
      }
      const cookies = await page.context().cookies(ISSUER);
      return cookies.filter(({ name, expires }) => expires !== -1 && !name.includes('browser'));
    });
    await visit({}, async (page) => {
      await page.context().addCookies(kept);
      await consent(page);
      assert.ok((await page.innerText('main')).includes('Allow, as oli'));
    });
  },
  async 'by keyboard alone: a device is connected'() {
    const device = await new Device().ask();
    await visit({}, async (page) => {
      await page.goto(device.verification_uri);
      assert.equal((await focused(page)).what, 'user_code');
      await page.keyboard.type('WRNG-WRNG');
      await page.keyboard.press('Enter');
      await page.waitForSelector('[role=alert]');
      await page.keyboard.type(device.user_code);
      await page.keyboard.press('Enter');
      await page.waitForSelector('text=The device shows the code');
      assert.ok((await page.innerText('dl')).includes(device.user_code));
      await screenshot(page, 'device-consent');
      // Cancel comes first, and is as large and as coloured as the Allow beside it.
      assert.deepEqual(await tabTo(page, 'login_code'), ['deny', 'github', 'login_code']);
      const [deny, allow] = await page.$$eval('.choice button', (buttons) =>
        buttons.map((button) => {
          const { width, height, top } = button.getBoundingClientRect();
          const { backgroundColor, color, fontWeight } = getComputedStyle(button);
          return { width, height, top, backgroundColor, color, fontWeight };
        }),
      );
      assert.deepEqual(deny, allow);
      await page.keyboard.type(codes[3]);
      await page.keyboard.press('Enter');
      await page.waitForSelector('h1:has-text("The device is connected")');
      await assertLegible(page, 'success');
      await page.setViewportSize(PHONE);
      await assertLegible(page, 'success, phone');
      await screenshot(page, 'success-phone');
    });
    assert.equal((await device.token()).token_type, 'Bearer');
  },
  async 'a14 by keyboard alone: a device is declined'() {
    const device = await new Device().ask();
    await visit({}, async (page) => {
      await page.goto(device.verification_uri_complete);
      await tabTo(page, 'deny');
      await page.keyboard.press('Enter');
      await page.waitForSelector('h1:has-text("The device is not connected")');
      await assertLegible(page, 'declined');
    });
    assert.equal((await device.token()).error, 'access_denied');
  },
  async 'a5 by keyboard alone: the server is chosen'() {
    await visit({}, async (page) => {
      await page.goto(client.authorize({ resource: '' }));
      await tabTo(page, RESOURCE);
      await page.keyboard.press('Enter');
      await page.waitForSelector('[name=login_code]');
      assert.ok((await page.innerText('dl')).includes(RESOURCE));
      await tabTo(page, 'deny');
      const answer = await client.answer(() => page.keyboard.press('Enter'));
      assert.equal(answer.get('error'), 'access_denied');
    });
  },
  async 'a5 legible: the choice of a server'() {
    await look('choose', (page) => page.goto(client.authorize({ resource: '' })));
  },
  async "a14 legible: a server's URL in a browser"() {
    await look('server', async (page) => {
      const answer = await page.goto(RESOURCE);
      assert.equal(answer.status(), 200);
      assert.ok((await page.innerText('main')).includes(RESOURCE));
    });
  },
  async 'a14 legible: the root of the login host'() {
    await look('gateway', async (page) => {
      const answer = await page.goto(ISSUER);
      assert.equal(answer.status(), 200);
    });
  },
  async 'the page cannot be framed'() {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(client.redirectUri);
    await page.evaluate((url) => {
      const frame = document.createElement('iframe');
      frame.src = url;
      document.body.append(frame);
    }, client.authorize());
    await page.waitForTimeout(1000);
    const framed = page.frames().at(1);
    assert.equal(await framed.locator('button').count(), 0);
    await context.close();
  },
  async 'legible: the consent page'() {
    await look('consent', consent);
  },
  async 'legible: the consent page after a wrong code'() {
    await look('wrong-code', wrongCode);
  },
  async 'legible: the page for the code of a device'() {
    await look('device', (page) => page.goto(new URL('/device', ISSUER).href));
  },
  async 'legible: the error page'() {
    await look('error', async (page) => {
      const answer = await page.goto(client.authorize({ client_id: 'nobody' }));
      assert.equal(answer.status(), 400);
    });
  },
};

for (const [name, check] of Object.entries(CHECKS)) {
  await check();
  console.log(`ok ${name}`);
}
await browser.close();
client.server.close();
client.server.closeAllConnections();
