// The page in a browser: node page.mjs URL FOLDER. Each check has a name, and ends the run if it fails; pictures are
// put into the folder.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { chromium } from "@playwright/test";

const [url, folder] = process.argv.slice(2);
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
const wrong = [];
let spaces = 0;

/** A page of its own namespace. What it writes to its console as an error is a failure. */
async function open(options = {}, query = "") {
  const origin = options.origin ?? `${url}/ns/page-${process.pid}-${++spaces}`;
  const context = await browser.newContext({ viewport: { width: 1440, height: 1000 }, ...options });
  await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: url });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  page.on("console", (message) => message.type() === "error" && wrong.push(message.text()));
  page.on("pageerror", (error) => wrong.push(error.message));
  await page.goto(`${origin}/${query}`);
  if (options.javaScriptEnabled !== false) await page.locator("body[data-live]").waitFor();
  const send = (path, init) => fetch(origin + path, init);
  const api = (path, body) => send(`/_sandbox/${path}`, { method: "POST", headers: { "x-auth-sandbox": "1" }, body: JSON.stringify(body ?? {}) });
  const mail = () => send("/eqworks/dev/login?user=sue@eqworks.example");
  const logIn = (password) => send("/iqm/api/v3/ua/login", {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Basic ${btoa("iqm-sandbox-client:iqm-sandbox-secret")}` },
    body: JSON.stringify({ grantType: "password", email: "user1@iqm.com", password }),
  });
  return { page, origin, send, api, mail, logIn, shown: (selector, text) => page.locator(selector, { hasText: text }).first().waitFor(), end: () => context.close() };
}

async function accessible(page, where) {
  // Its text is put in by the driver: the page's own policy allows no other script.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  const found = violations.map((it) => `${it.id}: ${it.nodes.map((node) => node.target.join(" ")).join(", ")}`);
  assert.deepEqual(found, [], where);
}

const fits = (page) => page.evaluate(() => document.scrollingElement.scrollWidth <= innerWidth);
const focused = (page) => page.evaluate(() => document.activeElement.textContent.trim());

const checks = {
  async "the first visit explains itself, and its button performs a log-in"() {
    const { page, shown, end } = await open();
    await shown("#intro", "Point your program here");
    await page.screenshot({ path: `${folder}/first-visit.png` });
    await accessible(page, "first visit");
    await page.click("#sample");
    await shown("#inbox li", "sue@eqworks.example");
    await shown("#requests td", "verify");
    await shown("#tokens li", "sue@eqworks.example");
    assert.equal(await page.isVisible("#intro"), false);
    await end();
  },

  async "a whole log-in by a magic link needs no mouse"() {
    const { page, mail, shown, end } = await open();
    await mail();
    await shown("#inbox li", "sue@eqworks.example");
    await page.keyboard.press("1");
    await page.keyboard.press("j");
    assert.equal(await focused(page), "Open");
    const [opened] = await Promise.all([page.context().waitForEvent("page"), page.keyboard.press("Enter")]);
    await opened.waitForLoadState();
    assert.match(await opened.textContent("body"), /"token"/);
    await page.bringToFront();
    await shown("#tokens li", "sue@eqworks.example");
    await page.keyboard.press("3");
    await page.keyboard.press("j");
    assert.equal(await focused(page), "Expire");
    await page.keyboard.press("Enter");
    await shown("#tokens li", "expired");
    await end();
  },

  async "requests appear as they come, with the reason, and are told"() {
    const { page, logIn, mail, shown, end } = await open();
    await logIn("wrong");
    await shown("#requests td", "the password is wrong");
    await page.waitForFunction(() => document.getElementById("live").textContent.startsWith("Refused: iqm.log_in"));
    await mail();
    await page.waitForFunction(() => document.getElementById("live").textContent === "New mail to sue@eqworks.example");
    await page.keyboard.press("r");
    await page.waitForFunction(() => document.querySelectorAll("#requests tbody tr").length === 1);
    await page.keyboard.press("r");
    await page.waitForFunction(() => document.querySelectorAll("#requests tbody tr").length === 2);
    await page.keyboard.press("/");
    await page.keyboard.type("passcode");
    await page.waitForFunction(() => document.querySelectorAll("#requests tbody tr").length === 1);
    assert.equal(await page.inputValue("#filter"), "passcode");
    await end();
  },

  async "one request is beside its answer, and can be taken elsewhere"() {
    const { page, logIn, shown, end } = await open();
    await logIn("wrong-password");
    await shown("#requests td", "log in");
    await page.keyboard.press("2");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await shown("#detail .reason", "the password is wrong");
    assert.doesNotMatch(await page.textContent("#detail"), /wrong-password/);
    await page.keyboard.press("c");
    await shown("#toast", "Copied");
    assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^curl .*\/iqm\/api\/v3\/ua\/login'/);
    await page.click("#reveal");
    await shown("#detail pre", "wrong-password");
    await page.click("text=Copy as Rust test");
    await page.waitForFunction(async () => (await navigator.clipboard.readText()).startsWith("#[tokio::test]"));
    await accessible(page, "detail");
    await page.keyboard.press("?");
    await shown("#help", "clock + 1 hour");
    await accessible(page, "help");
    await end();
  },

  async "time and faults move what is shown"() {
    const { page, logIn, shown, end } = await open();
    await logIn("123456");
    await shown("#tokens li", "9 h 59 min left");
    const full = await page.locator("progress").first().evaluate((bar) => bar.value);
    await page.keyboard.press("t");
    await shown("#tokens li", "8 h 59 min left");
    assert.ok((await page.locator("progress").first().evaluate((bar) => bar.value)) <= full - 3600);
    await page.click("text=Freeze");
    await page.locator("#clock [aria-pressed=true]").waitFor();
    await page.click("#clock summary");
    await page.fill("#clock [name=to]", "2031-02-03T04:05:06");
    await page.click("text=Set");
    await shown("#now", "2031-02-03 04:05:06 UTC");
    await page.keyboard.press("f");
    await page.selectOption("#faults [name=operation]", "iqm.log_in");
    await page.fill("#faults [name=times]", "2");
    await page.keyboard.press("Enter");
    await shown("#faults li", "2 left");
    assert.equal((await logIn("123456")).status, 503);
    await shown("#faults li", "1 left");
    await shown("#requests tr", "fault");
    await page.click("text=Remove");
    await shown("#faults", "Nothing is broken.");
    await page.fill("#users [name=email]", "new@iqm.example");
    await page.selectOption("#users [name=list]", "iqm");
    await page.click("#users form button");
    await shown("#users summary", "IQM users 6");
    await end();
  },

  async "nothing that a client sends is taken for HTML"() {
    const canary = '"><img src=x onerror=globalThis.stolen=1><script>stolen=1</script>';
    const { page, origin, send, api, shown, end } = await open();
    await send(`/iqm/${encodeURIComponent(canary)}?${new URLSearchParams({ a: canary })}`, {
      method: "POST", headers: { "x-canary": canary, "user-agent": canary, "content-type": canary, cookie: canary }, body: canary,
    });
    await send(`/eqworks/dev/login?${new URLSearchParams({ user: canary, product: canary, redirect: canary })}`);
    await send("/edgeiq/api/v1/platform/user/authenticate", { method: "POST", body: JSON.stringify({ email: canary, [canary]: canary }) });
    await send("/identityx/graphql", { method: "POST", headers: { "x-app-id": canary, "content-type": "application/json" }, body: JSON.stringify({ query: canary }) });
    await api("users/iqm", { email: canary });
    await api("users/eqworks", { email: canary });
    await send(`/eqworks/dev/login?${new URLSearchParams({ user: canary })}`);
    await page.reload();
    const count = await page.locator("a[data-request]").count();
    assert.ok(count >= 5);
    for (let at = 0; at < count; at += 1) {
      const id = await page.locator("a[data-request]").nth(at).getAttribute("data-request");
      await page.goto(`${origin}/?request=${id}&reveal=1&text=${encodeURIComponent("")}`);
      await shown("#detail", "Answer");
    }
    await page.goto(`${origin}/?text=${encodeURIComponent(canary)}&vendor=${encodeURIComponent(canary)}`);
    assert.match(await page.content(), /&lt;img src=x/);
    assert.equal(await page.locator("img").count(), 0);
    assert.equal(await page.evaluate(() => globalThis.stolen), undefined);
    await end();
  },

  async "a long log has pages"() {
    const { page, send, shown, end } = await open();
    for (let at = 0; at < 12; at += 1) await Promise.all(Array.from({ length: 20 }, () => send("/edgeiq/api/v1/platform/me")));
    await shown("#requests .count", "240");
    assert.equal(await page.locator("#requests tbody tr").count(), 100);
    const first = (id) => page.waitForFunction((id) => document.querySelector("a[data-request]").dataset.request === id, id);
    await first("240");
    await page.click(".pages >> text=Older");
    await first("140");
    await page.click(".pages >> text=Older");
    await first("40");
    assert.equal(await page.locator("#requests tbody tr").count(), 40);
    await page.click(".pages >> text=Newest");
    await first("240");
    await end();
  },

  async "it is accessible, and fits, in the dark, in the light and on a telephone"() {
    for (const [width, height] of [[1440, 1000], [1024, 800], [390, 844]]) {
      for (const colorScheme of ["light", "dark"]) {
        const { page, logIn, mail, api, shown, end } = await open({ viewport: { width, height }, colorScheme });
        await Promise.all([mail(), logIn("123456"), logIn("wrong"), api("faults", { operation: "iqm.refresh", times: 2, steps: [{ kind: "status", status: 503 }] })]);
        await shown("#requests td", "the password is wrong");
        await page.locator("#requests tr", { hasText: "the password is wrong" }).locator("a").click();
        await shown("#detail", "Answer");
        await shown("#faults li", "2 left");
        await accessible(page, `${width} px, ${colorScheme}`);
        assert.ok(await fits(page), `${width} px are too few`);
        await page.screenshot({ path: `${folder}/${width}-${colorScheme}.png` });
        await end();
      }
    }
  },

  async "without JavaScript it can be read"() {
    const { origin, logIn, end } = await open();
    await logIn("wrong");
    const { page, end: over } = await open({ javaScriptEnabled: false, origin });
    assert.match(await page.textContent("noscript"), /needs JavaScript/);
    await page.click("#requests tbody a");
    assert.match(await page.textContent("#detail"), /the password is wrong/);
    await page.check("#refused");
    await page.click("text=Show");
    assert.equal(await page.locator("#requests tbody tr").count(), 1);
    await over();
    await end();
  },
};

try {
  for (const [name, check] of Object.entries(checks)) {
    await check();
    assert.deepEqual(wrong, [], "errors in the console");
    console.log(`ok: ${name}`);
  }
} finally {
  await browser.close();
}
