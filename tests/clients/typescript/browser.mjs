// A browser without a screen: follows the pages of a login until they lead to the client.

export class Browser {
  #cookies = new Map();
  #callback;
  #loginCode;

  constructor(callback, loginCode) {
    this.#callback = callback;
    this.#loginCode = loginCode;
  }

  /** Returns the URL that the client gets called at. */
  async login(url) {
    let page = await this.#open(url);
    for (;;) {
      const next = page.next;
      if (next === undefined) page = await this.#consent(page);
      else if (next.startsWith(`${this.#callback}?`)) return new URL(next);
      else page = await this.#open(next);
    }
  }

  async #consent(page) {
    if (page.status !== 200) throw new Error(`no consent page: ${page.status} ${page.text}`);
    const hidden = page.text.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]+)">/g);
    const form = new URLSearchParams(Object.fromEntries([...hidden].map(([, name, value]) => [name, value])));
    form.set('decision', this.#loginCode ? 'local' : 'github');
    if (this.#loginCode) form.set('login_code', this.#loginCode);
    return this.#open(new URL('/authorize/consent', page.url), { method: 'POST', body: form });
  }

  async #open(url, options = {}) {
    const { origin } = new URL(url);
    const jar = this.#cookies.get(origin) ?? new Map();
    this.#cookies.set(origin, jar);
    const cookie = [...jar].map((pair) => pair.join('=')).join('; ');
    const answer = await fetch(url, { ...options, redirect: 'manual', headers: { cookie } });
    for (const line of answer.headers.getSetCookie()) {
      const [pair] = line.split(';');
      jar.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1));
    }
    const refresh = answer.headers.get('refresh')?.match(/^0; url=(.+)$/)?.[1];
    const target = answer.headers.get('location') ?? refresh;
    const next = target && new URL(target, url).href;
    return { url, status: answer.status, text: await answer.text(), next };
  }
}
