// What holds for every page: WCAG 2.2 AA as axe-core and our own measures see it, in the light and in the dark, on a
// phone and on a desk, in each language.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { contrast } from './contrast.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

export const PHONE = { width: 360, height: 740 };
export const DESK = { width: 1280, height: 800 };

/** The forms of each page. A picture is kept of those that have a name. */
const FORMS = [
  ['light', { colorScheme: 'light', viewport: DESK }],
  ['dark', { colorScheme: 'dark', viewport: DESK }],
  ['phone', { colorScheme: 'light', viewport: PHONE }],
  ['phone-dark', { colorScheme: 'dark', viewport: PHONE }],
];
/** The forms by language: the longer words of German show on a phone, and every form of a page is alike otherwise. */
const LANGUAGES = { en: FORMS, de: FORMS.filter(([name]) => ['dark', 'phone'].includes(name)) };

/** The pictures of docs/screenshots, by the name of the page and its form. */
const PICTURES = new Map(
  [
    ['consent-light'],
    ['consent-dark'],
    ['consent-phone'],
    ['consent-phone-de'],
    ['device-consent-light', 'device-consent'],
    ['device-light'],
    ['error-light'],
    ['success-phone'],
    ['wrong-code-phone'],
    ['server-light'],
    ['me-light'],
    ['me-phone-dark'],
    ['me-servers-phone-de'],
    ['admin-people-light'],
    ['admin-block-light'],
  ].map(([form, name = form]) => [form, name]),
);

/** The pages of one browser: their looks, and what is kept of them. */
export class Looks {
  constructor(browser, screenshots) {
    this.browser = browser;
    this.screenshots = screenshots;
  }

  /** A browser that has never been here; whatever it complains about, such as a violated policy, fails the check. */
  async visit(options, steps) {
    const context = await this.browser.newContext({ viewport: DESK, ...options });
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

  /** Looks at a page in its forms and languages. `open` leads there; `more` are options of the browser. */
  async look(name, open, more = {}) {
    for (const [locale, forms] of Object.entries(LANGUAGES)) {
      for (const [form, options] of forms) {
        await this.visit({ ...options, ...more, locale }, async (page) => {
          await open(page);
          await this.assertLegible(page, `${name}, ${form}, ${locale}`);
          assert.equal(await page.getAttribute('html', 'lang'), locale, name);
          await this.keep(page, `${name}-${form}${locale === 'en' ? '' : `-${locale}`}`);
        });
      }
    }
  }

  async keep(page, form) {
    const name = PICTURES.get(form);
    if (this.screenshots && name) {
      await page.screenshot({ path: join(this.screenshots, `${name}.png`), animations: 'disabled' });
    }
  }

  /** Legible everywhere: no sideways scrolling, contrast as WCAG 2.2 AA wants it, targets for a thumb. */
  async assertLegible(page, name) {
    const width = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(width[0] <= width[1], `${name} scrolls sideways: ${width}`);
    assert.equal(await page.evaluate(() => document.styleSheets.length), 1, `${name} has no style sheet`);
    for (const { text, ratio, needed } of await page.evaluate(contrast)) {
      assert.ok(ratio >= needed, `${name}: contrast ${ratio.toFixed(2)} of “${text}”`);
    }
    const small = await page.$$eval('button, .button, summary, nav a, input:not([type=hidden]), select', (all) =>
      all
        .filter((one) => one.checkVisibility())
        // A box to tick has its label as target.
        .map((one) => (['checkbox', 'radio'].includes(one.type) ? one.closest('label') : one))
        .filter((one) => one.getBoundingClientRect().height < 44)
        .map((one) => one.outerHTML.slice(0, 80)),
    );
    assert.deepEqual(small, [], `${name}: targets of less than 44 px`);
    assert.notEqual(await page.title(), '');
    assert.equal(await page.locator('h1').count(), 1);
    // By the protocol of the debugger, for which the policy of the page makes an exception.
    await page.evaluate(AXE);
    const { violations, incomplete } = await page.evaluate(
      (values) => axe.run(document, { runOnly: { type: 'tag', values }, preload: false }),
      RULES,
    );
    const told = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' ')}`);
    assert.deepEqual(told, [], name);
    return incomplete;
  }

  /** Whether the whole of an element can be seen without scrolling. */
  async assertInView(page, locator, name) {
    const box = await page.locator(locator).first().boundingBox();
    const { height } = page.viewportSize();
    assert.ok(box && box.y >= 0 && box.y + box.height <= height, `${name}: ${JSON.stringify(box)} in ${height}`);
  }
}
