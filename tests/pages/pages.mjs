// The pages of the gateway in headless Chromium, as a person uses them: by keyboard, on a phone, in the
// light and in the dark. Each check is a line of output; the first thing that is wrong ends it.
//
// Environment: ISSUER, RESOURCE; CERTIFICATE, the only one that is trusted; LOGIN_CODES, fresh ones of eight people,
// of pam, of the administrator root, and of ben;
// NODE_EXTRA_CA_CERTS; SCREENSHOTS, a directory, if there are to be any; ONLY, a pattern of the checks to run;
// CHROMIUM, if it is elsewhere.

import assert from 'node:assert/strict';

import { checks as accountChecks } from './account.mjs';
import { launch } from './browser.mjs';
import { Client, Device } from './client.mjs';
import { Looks, PHONE } from './looks.mjs';

const { ISSUER, RESOURCE, CERTIFICATE, LOGIN_CODES, SCREENSHOTS, ONLY } = process.env;
const codes = LOGIN_CODES.split(',');

const client = new Client();
await client.listen();
const browser = await launch(CERTIFICATE);

const looks = new Looks(browser, SCREENSHOTS);
const visit = (options, steps) => looks.visit(options, steps);
const look = (name, open) => looks.look(name, open);

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

const consent = (page) => page.goto(client.authorize());
/** Unfolds the form for a login code, which is there for those who need it. */
const unfoldCode = (page) => page.locator('details:has([name=login_code]) > summary').click();
const unfoldTechnical = (page) => page.locator('summary').last().click();
async function wrongCode(page) {
  await consent(page);
  await unfoldCode(page);
  await page.fill('[name=login_code]', 'WRNG-WRNG-WRNG-WRNG');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[role=alert]');
}

const CHECKS = {
  async 'the consent page says what matters'() {
    await visit({}, async (page) => {
      await consent(page);
      const text = await page.innerText('main');
      const said = ['Notes for the team', 'not verified', 'on this computer', 'Access ends'];
      for (const part of [...said, new URL(client.redirectUri).host]) assert.ok(text.includes(part), `${part}: ${text}`);
      // The warning comes before the button.
      const order = await page.$$eval('[role=note], button', (all) => all.map((one) => one.getAttribute('role') ?? one.value));
      assert.equal(order[0], 'note');
      assert.ok(!text.includes(RESOURCE), 'technical details are folded away');
      await unfoldTechnical(page);
      const technical = await page.innerText('main');
      for (const part of [RESOURCE, client.id, client.redirectUri]) assert.ok(technical.includes(part), part);
    });
  },
  async 'by keyboard alone: a login with a code'() {
    await visit({}, async (page) => {
      await consent(page);
      const way = ['Skip to content', 'github', 'deny', 'Use a login code instead'];
      assert.deepEqual(await tabTo(page, 'Use a login code instead'), way);
      await page.keyboard.press('Enter');
      assert.deepEqual(await tabTo(page, 'login_code'), ['login_code']);
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
      assert.deepEqual(await tabTo(page, 'deny'), ['Skip to content', 'github', 'deny']);
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
      await unfoldCode(page);
      await page.getByLabel('Login code').fill(codes[2]);
      assert.ok((await client.answer(() => page.keyboard.press('Enter'))).get('code'));
    });
  },
  async 'a1: a double click on Allow, with a code and logged in'() {
    await visit({}, async (page) => {
      for (const decision of ['local', 'allow']) {
        await consent(page);
        if (decision === 'local') {
          await unfoldCode(page);
          await page.fill('[name=login_code]', codes[4]);
        }
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
        await unfoldCode(tab);
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
      assert.ok((await page.innerText('main')).includes('Connect, as oli'));
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
      await page.waitForSelector('text=Compare: your device must show');
      assert.ok((await page.innerText('.facts')).includes(device.user_code));
      // Cancel comes first, and is as large and as coloured as the Allow beside it.
      assert.deepEqual(await tabTo(page, 'github'), ['Skip to content', 'deny', 'github']);
      const [deny, allow] = await page.$$eval('.choice button', (buttons) =>
        buttons.map((button) => {
          const { width, height, top } = button.getBoundingClientRect();
          const { backgroundColor, color, fontWeight } = getComputedStyle(button);
          return { width, height, top, backgroundColor, color, fontWeight };
        }),
      );
      assert.deepEqual(deny, allow);
      await tabTo(page, 'Use a login code instead');
      await page.keyboard.press('Enter');
      await tabTo(page, 'login_code');
      await page.keyboard.type(codes[3]);
      await page.keyboard.press('Enter');
      await page.waitForSelector('h1:has-text("Connected")');
      await looks.assertLegible(page, 'success');
      await page.setViewportSize(PHONE);
      await looks.assertLegible(page, 'success, phone');
      await looks.keep(page, 'success-phone');
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
      await looks.assertLegible(page, 'declined');
    });
    assert.equal((await device.token()).error, 'access_denied');
  },
  async 'a5 by keyboard alone: the server is chosen'() {
    await visit({}, async (page) => {
      await page.goto(client.authorize({ resource: '' }));
      await tabTo(page, RESOURCE);
      await page.keyboard.press('Enter');
      await page.waitForSelector('h1:has-text("Connect “Notes for the team” to")');
      await unfoldTechnical(page);
      assert.ok((await page.innerText('main')).includes(RESOURCE));
      await page.locator('h1').click();
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
    await look('consent', async (page) => {
      await consent(page);
      await looks.assertInView(page, 'button[value=deny]', 'Cancel');
    });
  },
  async 'legible: the consent page with all unfolded'() {
    await look('consent-unfolded', async (page) => {
      await consent(page);
      for (const summary of await page.locator('summary').all()) await summary.click();
    });
  },
  async 'legible: the consent page of a device'() {
    const device = await new Device().ask();
    await look('device-consent', async (page) => {
      await page.goto(device.verification_uri_complete);
      await looks.assertInView(page, 'button[value=deny]', 'Cancel');
    });
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
  ...accountChecks(looks, client, { person: codes[8], admin: codes[9], other: codes[10] }),
};

for (const [name, check] of Object.entries(CHECKS)) {
  if (ONLY && !new RegExp(ONLY).test(name)) continue;
  await check();
  console.log(`ok ${name}`);
}
await browser.close();
client.close();
