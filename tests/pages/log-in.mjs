// The browser that a program opens: it shows the consent page, and its person logs in with GitHub and allows.
//
// log-in.mjs URL. Environment: CERTIFICATE, the only one that is trusted; SEEN, a file that gets one line of
// JSON for each page on the way; CHROMIUM, if it is elsewhere.

import { appendFileSync } from 'node:fs';

import { launch } from './browser.mjs';

const { CERTIFICATE, SEEN } = process.env;
const target = process.argv.at(-1);

const browser = await launch(CERTIFICATE);

/** Writes down what the person sees: codes and states are left out. */
async function note(page, status) {
  const { origin, pathname } = new URL(page.url());
  const text = await page.evaluate(() => document.body?.innerText ?? '');
  appendFileSync(SEEN, `${JSON.stringify({ url: origin + pathname, status, title: await page.title(), text })}\n`);
}

try {
  const page = await browser.newPage();
  const answer = await page.goto(target);
  await note(page, answer?.status());
  const issuer = new URL(page.url()).origin;
  await page.click('button[value=github]', { timeout: 5_000, noWaitAfter: true });
  // GitHub leads back to the gateway, and that to the program.
  await page.waitForURL((url) => url.origin !== issuer && url.searchParams.has('state'), { timeout: 20_000 });
  await page.waitForLoadState().catch(() => {});
  await page.waitForTimeout(500);
  await note(page);
} catch (error) {
  appendFileSync(SEEN, `${JSON.stringify({ failed: String(error) })}\n`);
} finally {
  await browser.close();
}
