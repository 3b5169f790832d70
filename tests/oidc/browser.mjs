// Chromium, told what to do by lines of JSON on standard input: {"do": NAME, …}; each is answered by one line.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const browser = await chromium.launch({ executablePath: process.argv[2], args: ["--no-sandbox"] });
let context, page, complaints, asked;
const axe = createRequire(import.meta.url)("axe-core").source;

const actions = {
  async fresh({ dark, width, scripts }) {
    if (context) await context.close();
    context = await browser.newContext({
      colorScheme: dark ? "dark" : "light", viewport: { width, height: 900 }, javaScriptEnabled: scripts,
      reducedMotion: "reduce", permissions: ["clipboard-read", "clipboard-write"], timezoneId: "UTC", locale: "en-GB",
    });
    context.setDefaultTimeout(30000);
    page = await context.newPage();
    complaints = [];
    asked = [];
    page.on("request", (request) => asked.push(request.url()));
    page.on("console", (message) => message.type() === "error" && complaints.push([page.url(), message.text()]));
    page.on("pageerror", (error) => complaints.push([page.url(), String(error)]));
    page.on("dialog", (dialog) => { complaints.push([page.url(), "a dialog opened"]); dialog.dismiss(); });
  },
  goto: async ({ url }) => (await page.goto(url))?.status(),
  fill: ({ selector, text }) => page.fill(selector, text),
  select: ({ selector, value }) => page.selectOption(selector, value),
  click: async ({ selector }) => { await page.click(selector); await page.waitForLoadState(); },
  wait: ({ url }) => page.waitForURL(new RegExp(url)),
  text: ({ selector }) => page.innerText(selector ?? "main"),
  texts: ({ selector }) => page.locator(selector).allInnerTexts(),
  async until({ expression }) {
    for (let tries = 0; tries < 600 && !(await page.evaluate(expression)); tries += 1) await page.waitForTimeout(50);
    if (!(await page.evaluate(expression))) throw new Error(`it never is true that ${expression}`);
  },
  check: ({ selector }) => page.check(selector),
  // What each frame within the page shows: its address, and its text.
  frames: () => Promise.all(page.frames().slice(1).map(async (frame) => [frame.url(), await frame.evaluate(() => document.body?.innerText ?? "")])),
  // How many pixels of the first canvas there have a colour.
  drawn: ({ selector }) => page.locator(`${selector} canvas`).first().evaluate((canvas) =>
    canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.filter((value, at) => at % 4 === 3 && value).length),
  count: ({ selector }) => page.locator(selector).count(),
  url: () => page.url(),
  look: ({ dark, width }) =>
    Promise.all([page.emulateMedia({ colorScheme: dark ? "dark" : "light" }), page.setViewportSize({ width, height: 900 })]).then(() => null),
  press: ({ key }) => page.keyboard.press(key),
  focused: () => page.evaluate(() => document.activeElement?.innerText || document.activeElement?.id || document.activeElement?.tagName),
  clipboard: () => page.evaluate(() => navigator.clipboard.readText()),
  html: ({ selector }) => page.innerHTML(selector),
  asked: () => asked,
  // How many pixels the page is wider than its window.
  beyond: () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth),
  // Sizes of everything that the page took, in bytes as they came over the wire.
  weight: () => page.evaluate(() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
    .map((each) => [each.name, each.transferSize])),
  wide: () => page.evaluate(() => [...document.querySelectorAll("body *")]
    .filter((each) => each.getBoundingClientRect().right > document.documentElement.clientWidth && !each.closest(".scroll, pre, .tabs"))
    .map((each) => `${each.tagName}.${each.className}`).slice(0, 12)),
  async axe() {
    await page.evaluate(axe);
    const found = await page.evaluate(() => axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }));
    return found.violations.map((each) => [each.id, each.nodes.map((node) => `${node.html} ${node.any.map((any) => any.message).join("; ")}`)]);
  },
  cookies: () => context.cookies(),
  shot: ({ path, whole }) => page.screenshot({ path, fullPage: whole }).then(() => null),
  complaints: ({ site }) => complaints.filter(([url]) => url.startsWith(site)),
  async authenticator() {
    const client = await context.newCDPSession(page);
    await client.send("WebAuthn.enable");
    const options = { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true };
    await client.send("WebAuthn.addVirtualAuthenticator", {
      options: { ...options, isUserVerified: true, automaticPresenceSimulation: true },
    });
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const said = JSON.parse(line);
  try {
    console.log(JSON.stringify({ result: (await actions[said.do](said)) ?? null }));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error), at: page?.url(), page: await page?.innerText("body").catch(() => "") }));
  }
}
await browser.close();
