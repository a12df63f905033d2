#!/usr/bin/env node
// check_console.mjs FOLDER NAME=URL…: every page of each office's console, as a browser shows it. Which pages there are
// is found by following links from the menu, one page for each form of address; STEPS adds what only a form leads to.
// Needs CHROMIUM, BROWSER_NPM (playwright-core and axe-core), CONVOKE_PASSWORD (of the account `agent`) and
// CONVOKE_JOURNEY (the database of the office `errors`, whose letters a relay refuses during the journeys).
//
// Exit codes: 0 every page is ok; 1 one FAILED; 2 something is missing.
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "RGAAv4"];
const PAGES_MAX = 70;
const [folder, ...named] = process.argv.slice(2);
const offices = named.map((pair) => pair.split(/=(.*)/s).slice(0, 2)).map(([name, url]) => ({ name, url }));
if (!folder || offices.length === 0) {
  console.error("usage: check_console.mjs FOLDER NAME=URL…");
  process.exit(2);
}
const load = createRequire(join(resolve(process.env.BROWSER_NPM), "here.js"));
const { chromium } = load("playwright-core");
const axe = load("axe-core");
mkdirSync(join(folder, "html"), { recursive: true });

const failures = [];
const fail = (where, what) => failures.push(`${where}: ${what}`);
const ran = new Set();
let seen = 0;

// A person who exists, by the office's names.
const SOUGHT = { long: "Wolfeschlegelstein", arabic: "الحسيني" };
const sought = (office) => SOUGHT[office.name] ?? "Refusée";

// Forms that lead to pages without a link: where, what is typed, and in which offices. Missing fields are skipped.
const STEPS = [
  { at: "/94/personnes", fill: (office) => [["main input[type=search]", sought(office)]] },
  { at: "/94/courriers/lots", fill: () => [['main form[action$="/lots"] input[name=reason]', "essai"]], in: ["normal", "long"] },
  { at: "/94/apercu", press: 'main form[action$="/apercu/calculer"] button', in: ["normal", "long", "arabic"] },
];
// Pages to which forms lead by their query.
const ALSO = ["/94/audit/periode", "/94/courriers?etat=failed&genre=convocation"];

// One page of each form: identifiers, days and numbers are all alike, and so are the values of a query.
function shape(address) {
  const url = new URL(address, "http://x");
  const path = url.pathname.split("/").map((part, n) => (n > 1 && /\d|^[a-z]{16}$/.test(decodeURIComponent(part)) ? "~" : part)).join("/");
  return `${path}?${[...url.searchParams].filter(([, value]) => value).map(([key]) => key).sort().join("&")}`;
}

const fileName = (text) => text.replace(/^\/94\/?/, "").replace(/\?$/, "").replace(/[^a-zA-Z~]+/g, "-").replace(/^-|-$/g, "") || "accueil";

async function signIn(page, office) {
  for (let tries = 0; ; tries += 1) {
    try {
      await page.goto(`${office.url}/94/connexion`);
      break;
    } catch (error) {
      if (tries > 100) throw error;
      await new Promise((done) => setTimeout(done, 100));
    }
  }
  await page.fill("#login", "agent");
  await page.fill("#password", process.env.CONVOKE_PASSWORD);
  await page.click("main form button");
  await page.waitForSelector("nav");
}

async function violations(page, where) {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axe.source);
  const options = { runOnly: { type: "tag", values: RULES }, resultTypes: ["violations"] };
  const found = await page.evaluate((wanted) => globalThis.axe.run(document, wanted), options);
  for (const rule of [...found.passes, ...found.violations]) ran.add(rule.id);
  for (const rule of found.violations) {
    for (const node of rule.nodes) fail(where, `${rule.id}: ${rule.help}: ${node.target.join(" ")}: ${node.html.slice(0, 160)}`);
  }
}

async function reflows(page, where, width) {
  await page.setViewportSize({ width, height: 640 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  if (wide > width) {
    const by = await page.evaluate((limit) => {
      const over = [...document.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right > limit + 1 && !e.closest(".scroll"));
      return over.slice(-1).map((e) => e.outerHTML.slice(0, 120)).join("");
    }, width);
    fail(where, `${wide} px wide in a window of ${width} px: ${by}`);
  }
}

// Forced colours and half the width depend on the style sheet, not on content: one office is enough for each form.
const viewed = new Set();

// The page in the tab, in every view.
async function look(page, name, form) {
  seen += 1;
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.emulateMedia({ colorScheme: "light", forcedColors: "none" });
  await violations(page, `${name} (light)`);
  await page.screenshot({ path: join(folder, `${name}-light.png`), fullPage: true });
  await page.emulateMedia({ colorScheme: "dark" });
  await violations(page, `${name} (dark)`);
  await page.screenshot({ path: join(folder, `${name}-dark.png`), fullPage: true });
  if (!viewed.has(form)) {
    viewed.add(form);
    await page.emulateMedia({ colorScheme: "light", forcedColors: "active" });
    await violations(page, `${name} (forced colours)`);
    await page.emulateMedia({ forcedColors: "none" });
    // Half of 1280 px is what a zoom of 200 % leaves.
    await reflows(page, name, 640);
  }
  await reflows(page, name, 320);
}

async function visit(page, office, address, wanted = 200) {
  const name = `${office.name}-${fileName(shape(address))}`;
  const answer = await page.goto(`${office.url}${address}`);
  if (answer.status() !== wanted) {
    fail(name, `${address} answers ${answer.status()}`);
    return [];
  }
  writeFileSync(join(folder, "html", `${name}.html`), await answer.body());
  // A page that refreshes itself is taken as it came.
  await look(page, name, shape(address));
  return page.$$eval("a[href]", (links) => links.filter((a) => !a.hasAttribute("download")).map((a) => a.getAttribute("href")));
}

async function walk(browser, office) {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.on("pageerror", (error) => fail(office.name, `a script fails: ${error.message}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(office.url) && !request.url().startsWith("data:")) fail(office.name, `fetches ${request.url()}`);
  });
  await visit(page, office, "/94/connexion");
  await signIn(page, office);
  for (const step of STEPS.filter((step) => step.in?.includes(office.name) ?? true)) {
    await page.goto(`${office.url}${step.at}`);
    const fields = step.fill?.(office) ?? [];
    if ((await page.$(step.press ?? fields[0][0])) === null) continue;
    for (const [field, text] of fields) await page.fill(field, text);
    const gone = page.waitForEvent("load");
    await (step.press ? page.click(step.press) : page.press(fields[0][0], "Enter"));
    await gone;
    // Wait for what is still being computed.
    await page.waitForFunction(() => !document.querySelector("[data-refresh]"), undefined, { timeout: 60_000 }).catch(() => {});
  }
  const queue = ["/94/", ...ALSO];
  const known = new Set(queue.map(shape));
  for (let address = queue.shift(); address !== undefined; address = queue.shift()) {
    for (const link of await visit(page, office, address)) {
      const url = new URL(link, `${office.url}${address}`);
      if (url.origin !== office.url || !url.pathname.startsWith("/94/")) continue;
      const [next, form] = [url.pathname + url.search, shape(url.pathname + url.search)];
      if (known.has(form) || known.size > PAGES_MAX) continue;
      known.add(form);
      // Files are for the tests of the server.
      const head = await context.request.get(url.href);
      const isPage = (head.headers()["content-type"] ?? "").startsWith("text/html") && !head.headers()["content-disposition"];
      if (head.status() >= 400) fail(`${office.name} ${address}`, `a link leads to ${head.status()}: ${next}`);
      else if (isPage) queue.push(next);
    }
  }
  await visit(page, office, "/94/nulle-part", 404);
  await context.close();
}

// Tab until the wanted element has the focus: what Tab does not reach, some people cannot reach at all.
async function tabTo(page, selector) {
  for (let n = 0; n < 400; n += 1) {
    await page.keyboard.press("Tab");
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted) ?? false, selector)) {
      const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
      if (outline === "none") fail("keyboard", `the focus on ${selector} cannot be seen`);
      return;
    }
  }
  throw new Error(`the keyboard does not reach ${selector}`);
}

// Directly in the database, in the office of the journeys.
function ask(sql) {
  return execFileSync("sqlite3", ["-cmd", ".timeout 10000", process.env.CONVOKE_JOURNEY, sql], { encoding: "utf8" }).trim();
}

// Acts as a relay that refuses all letters to this person, waiting or sent.
function refuse() {
  ask(`UPDATE outbox SET state = 'failed', last_reply = '550 5.7.1 refused' WHERE state IN ('queued', 'accepted') AND reference IN
    (SELECT reference FROM convocation c JOIN holder h USING (prefecture, holder_id) WHERE h.family_name = 'Refusée')`);
}

// Find a person, correct the e-mail, send again. `to` moves the focus, by the means of the journey.
async function journey(browser, office, name, settings, to) {
  const context = await browser.newContext(settings);
  const page = await context.newPage();
  refuse();
  const enter = async () => {
    await Promise.all([page.waitForEvent("load"), page.keyboard.press("Enter")]);
  };
  try {
    await page.goto(`${office.url}/94/connexion`);
    await to(page, "#login");
    await page.keyboard.type("agent");
    await to(page, "#password");
    await page.keyboard.type(process.env.CONVOKE_PASSWORD);
    await enter();
    await to(page, 'nav a[href="/94/personnes"]');
    await enter();
    await to(page, "main input[type=search]");
    await page.keyboard.type(sought(office));
    await enter();
    await to(page, 'main a[href^="/94/personnes/"]');
    await enter();
    const letters = () => page.$$eval("main caption ~ tbody tr", (rows) => rows.length);
    const before = await letters();
    await mend(page, to, enter, `${name}@example.org`);
    if (!(await page.textContent("main [role=status]"))?.trim()) fail(name, "nothing is said of the address that was mended");
    if ((await letters()) !== before + 1) fail(name, "the letter is not written to the new address");
    // The relay refuses the new one as well, until its filter is corrected.
    refuse();
    await page.reload();
    const form = 'main form[action$="/lettre"]:has(input[value=retry])';
    await to(page, `${form} input[name=reason]`);
    await page.keyboard.type("filtre du relais corrigé");
    await enter();
    if (!(await page.textContent("main [role=status]"))?.trim()) fail(name, "nothing is said of the letter");
    const sent = ask("SELECT count(*) FROM outbox WHERE state = 'queued' AND recipient = '" + name + "@example.org'");
    if (sent !== "1") fail(name, `${sent} letters wait to be sent to the new address`);
    await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
  } catch (error) {
    fail(name, `${error.message.split("\n")[0]} at ${page.url()}`);
    await page.screenshot({ path: join(folder, `${name}-failed.png`), fullPage: true }).catch(() => {});
  }
  await context.close();
}

async function mend(page, to, enter, address) {
  const form = 'main form[action$="/courriel"]';
  // Open what is collapsed, as people do.
  if ((await page.$(`details:not([open]) > ${form.slice(5)}`)) !== null) {
    await to(page, `main details:has(form[action$="/courriel"]) > summary`);
    await page.keyboard.press("Enter");
  }
  await to(page, `${form} input[type=email]`);
  await page.keyboard.type(address);
  await to(page, `${form} input[name=reason]`);
  await page.keyboard.type("appel de la personne");
  await enter();
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  // CI is root, for whom Chromium has no sandbox, and /dev/shm is small in containers.
  args: ["--no-sandbox", "--disable-dev-shm-usage"],
});
const errors = offices.find((office) => office.name === "errors") ?? offices[0];
try {
  const queue = [...offices];
  const worker = async () => {
    for (let office = queue.shift(); office !== undefined; office = queue.shift()) {
      await walk(browser, office).catch((error) => fail(office.name, error.message));
    }
  };
  await Promise.all([worker(), worker()]);
  await journey(browser, errors, "keyboard", {}, tabTo);
  await journey(browser, errors, "without-javascript", { javaScriptEnabled: false }, (page, what) => page.focus(what, { timeout: 5_000 }));
} finally {
  await browser.close();
}

// No page seen means no failure found: that is a failure.
if (ran.size < 25 || seen < 5 * offices.length) fail("all", `${seen} pages, ${ran.size} rules had something to check`);
for (const failure of [...new Set(failures)].sort()) console.log(`  ${failure}`);
console.log(`console: ${seen} pages of ${offices.length} offices x light, dark, forced colours, 640 px, 320 px; axe-core ${axe.version}: ${ran.size} rules had something to check`);
console.log(failures.length === 0 ? "console: ok" : `console: FAILED (${new Set(failures).size} failures)`);
process.exit(failures.length === 0 ? 0 : 1);
