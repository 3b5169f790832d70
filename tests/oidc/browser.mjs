// Chromium, told what to do by lines of JSON on standard input: {"do": NAME, …}; each is answered by one line.
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const browser = await chromium.launch({ executablePath: process.argv[2], args: ["--no-sandbox"] });
let context, page, complaints;

const actions = {
  async fresh({ dark }) {
    if (context) await context.close();
    context = await browser.newContext({ colorScheme: dark ? "dark" : "light", viewport: { width: 1100, height: 900 } });
    context.setDefaultTimeout(30000);
    page = await context.newPage();
    complaints = [];
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
  count: ({ selector }) => page.locator(selector).count(),
  url: () => page.url(),
  cookies: () => context.cookies(),
  shot: ({ path }) => page.screenshot({ path, fullPage: true }),
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
