// The pages of people and administrators: their looks, and what a person does there, without JavaScript.

import assert from 'node:assert/strict';

const { ISSUER, RESOURCE } = process.env;

const at = (path) => new URL(path, ISSUER).href;

/** Signs in with a code of the operator. The page that was asked for follows. */
async function signIn(page, path, code) {
  await page.goto(at(path));
  assert.equal(new URL(page.url()).pathname, '/sign-in');
  await page.locator('details:has([name=login_code]) > summary').click();
  await page.fill('[name=login_code]', code);
  await page.keyboard.press('Enter');
  await page.waitForURL((url) => url.pathname === new URL(at(path)).pathname);
}

/** What a connected MCP client has: a session, and its open stream. */
class Session {
  async open(token) {
    const Accept = 'application/json, text/event-stream';
    this.headers = { Authorization: `Bearer ${token}`, Accept, 'Content-Type': 'application/json' };
    const clientInfo = { name: 'pages', version: '1' };
    const hello = await this.call('initialize', { protocolVersion: '2025-06-18', capabilities: {}, clientInfo });
    assert.equal(hello.status, 200);
    await hello.text();
    this.headers['Mcp-Session-Id'] = hello.headers.get('mcp-session-id');
    this.closing = new AbortController();
    const { signal } = this.closing;
    const stream = await fetch(RESOURCE, { headers: { ...this.headers, Accept: 'text/event-stream' }, signal });
    assert.equal(stream.status, 200);
    this.isOpen = true;
    this.ended = this.read(stream.body.getReader());
    return this;
  }

  async read(reader) {
    try {
      while (!(await reader.read()).done);
    } catch {
      // It was cut off.
    }
    this.isOpen = false;
  }

  /** Leaves, so that nothing keeps this program. */
  close() {
    this.closing.abort();
  }

  call(method, params) {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
    return fetch(RESOURCE, { method: 'POST', headers: this.headers, body });
  }
}

/** The checks, for a person with the login code `person`, another with `other`, and an administrator with `admin`. */
export function checks(looks, client, { person, admin, other }) {
  const signedIn = {};
  const sessions = {};

  /** Connects the client in the name of who is signed in; its session. */
  const connect = async (page) => {
    await page.goto(client.authorize());
    const answer = await client.answer(() => page.click('button[value=allow]', { noWaitAfter: true }));
    return new Session().open((await client.token(answer.get('code'))).access_token);
  };

  /** Looks at pages, each of which is a path or leads to one from a first page. */
  const lookAt = async (pages, options) => {
    for (const [name, path, link] of pages) {
      const open = async (page) => {
        await page.goto(at(path));
        if (link) await page.goto(await page.locator(link).first().evaluate((one) => one.href));
        assert.notEqual(new URL(page.url()).pathname, '/sign-in', name);
      };
      await looks.look(name, open, options);
    }
  };

  return {
    async 'legible: the sign-in'() {
      await looks.look('sign-in', (page) => page.goto(at('/sign-in?return_to=/me')));
      await looks.look('sign-in-again', (page) => page.goto(at('/sign-in?again=1')));
      await looks.look('signed-out', (page) => page.goto(at('/sign-in?signed_out=1')));
    },
    async 'a person connects a client, and makes a token'() {
      await looks.visit({}, async (page) => {
        await signIn(page, '/me', person);
        assert.ok((await page.innerText('main')).includes('Nothing is connected'));
        await looks.assertLegible(page, 'nothing is connected');
        sessions.own = await connect(page);
        await page.goto(at('/me/tokens/new'));
        await page.fill('[name=name]', 'Nightly backup');
        await page.check('[name=server] >> nth=0');
        await page.click('button.main');
        await page.waitForSelector('code.copy');
        await looks.assertLegible(page, 'the new token');
        const token = await page.innerText('code.copy >> nth=0');
        await page.goto(at('/me/tokens'));
        const list = await page.content();
        assert.ok(list.includes('Nightly backup') && !list.includes(token));
        signedIn.person = { storageState: await page.context().storageState() };
      });
      await looks.visit({}, async (page) => {
        await signIn(page, '/me', other);
        sessions.other = await connect(page);
      });
    },
    async 'legible: the pages of a person'() {
      const pages = [
        ['me', '/me'],
        ['me-servers', '/me/servers'],
        ['me-tokens', '/me/tokens'],
        ['me-token', '/me/tokens/new'],
        ['me-sign-ins', '/me/sign-ins'],
        ['me-activity', '/me/activity'],
        ['me-refusals', '/me/activity?only=refusals'],
        ['me-disconnect', '/me', 'a[href^="/me/grants/"]'],
        ['me-revoke', '/me/tokens', 'a[href^="/me/grants/"]'],
        ['me-disconnect-all', '/me/disconnect-all'],
        ['me-sign-out-everywhere', '/me/sign-out-everywhere'],
      ];
      await lookAt(pages, signedIn.person);
    },
    async 'legible: the pages of an administrator'() {
      await looks.visit({}, async (page) => {
        await signIn(page, '/admin', admin);
        signedIn.admin = { storageState: await page.context().storageState() };
      });
      const pages = [
        ['admin', '/admin'],
        ['admin-people', '/admin/people'],
        ['admin-nobody', '/admin/people?q=nobody'],
        ['admin-person', '/admin/people', 'tbody a'],
        ['admin-block', '/admin/people/local%3Apam/block'],
        ['admin-clients', '/admin/clients'],
        ['admin-client', '/admin/clients', 'tbody a'],
        ['admin-grants', '/admin/grants'],
        ['admin-revoke', '/admin/grants', 'a[href$="/revoke"]'],
        ['admin-servers', '/admin/servers'],
        ['admin-server', '/admin/servers', 'tbody a'],
        ['admin-audit', '/admin/audit'],
      ];
      await lookAt(pages, signedIn.admin);
    },
    async 'a page on the host of a server cannot submit a form of this gateway'() {
      const evil = new URL('/evil', RESOURCE).href;
      const attack = async (page, path, csrf) => {
        const form = `<form method="post" action="${at(path)}"><input name="csrf" value="${csrf}">
          <input name="of" value="client"><input name="name" value="x"></form><script>document.forms[0].submit()</script>`;
        await page.route(evil, (route) => route.fulfill({ contentType: 'text/html', body: form }));
        const posted = page.waitForResponse((one) => one.request().method() === 'POST');
        await page.goto(evil).catch(() => {});
        const answer = await posted;
        const { cookie } = await answer.request().allHeaders();
        // The host is on the same site: the browser sends the cookie, and the gateway has to refuse the form.
        assert.ok(cookie?.includes('__Host-mcpgw-login='), `${path}: no cookie`);
        assert.deepEqual([answer.url(), answer.status()], [at(path), 400], path);
        await page.unroute(evil);
      };
      await looks.visit(signedIn.person, async (page) => {
        await page.goto(at('/me'));
        const grant = await page.getAttribute('a[href^="/me/grants/"]', 'href');
        const csrf = await page.inputValue('[name=csrf] >> nth=0');
        const own = ['/me/disconnect-all', '/me/sign-out-everywhere', '/me/tokens/new', '/sign-out'];
        for (const path of [grant, ...own, '/sign-in', '/authorize/consent']) await attack(page, path, csrf);
        await page.goto(at('/me'));
        assert.equal(await page.getAttribute('a[href^="/me/grants/"]', 'href'), grant);
      });
      await looks.visit(signedIn.admin, async (page) => {
        await page.goto(at('/admin/grants'));
        const csrf = await page.inputValue('[name=csrf] >> nth=0');
        const grant = await page.getAttribute('a[href$="/revoke"]', 'href');
        const client = await page.getAttribute('a[href^="/admin/client?id="]', 'href');
        const person = '/admin/people/local%3Apam';
        const acts = ['block', 'unblock', 'sign-out'].map((act) => `${person}/${act}`);
        const onClient = ['revoke', 'refuse', 'readmit'].map((act) => client.replace('client?', `client/${act}?`));
        for (const path of [grant, ...acts, ...onClient, '/admin/servers/everything/check']) {
          await attack(page, path, csrf);
        }
        await page.goto(at(person));
        assert.ok(!(await page.innerText('main')).includes('blocked'));
      });
    },
    async 'a person disconnects a client by keyboard alone and without JavaScript, and is told so'() {
      await looks.visit({ ...signedIn.person, javaScriptEnabled: false }, async (page) => {
        await page.goto(at('/me'));
        await page.locator('a[href^="/me/grants/"]').first().focus();
        await page.keyboard.press('Enter');
        await page.waitForSelector('h1:has-text("Disconnect Notes for the team?")');
        await page.locator('button[value=grant]').focus();
        await page.keyboard.press('Enter');
        await page.waitForSelector('[role=status]:has-text("Notes for the team is disconnected.")');
      });
      // Out at the next request, and the open stream ends; the same client of somebody else goes on.
      assert.equal((await sessions.own.call('tools/list', {})).status, 401);
      await Promise.race([sessions.own.ended, new Promise((resolve) => setTimeout(resolve, 15_000).unref())]);
      assert.ok(!sessions.own.isOpen, 'the stream of the disconnected client is open');
      assert.equal((await sessions.other.call('tools/list', {})).status, 200);
      assert.ok(sessions.other.isOpen, 'the stream of the other person has ended');
      sessions.other.close();
      // axe-core is a script itself.
      await looks.visit(signedIn.person, async (page) => {
        await page.goto(at('/me'));
        await looks.assertLegible(page, 'disconnected');
      });
    },
  };
}
