#!/usr/bin/env node
// check_axe.mjs FOLDER: every HTML letter in FOLDER, read by axe in a real Chromium: in a wide window and a light
// scheme, then 320 px wide and dark, without scrolling sideways (WCAG 1.4.10). Needs chromium (or
// CHROMIUM=its path), and puppeteer-core and axe-core in CONVOKE_NPM, or where Node looks for modules.
//
// Exit codes: 0 every page is ok; 1 a page FAILED; 2 usage, or something is missing.
import { accessSync, constants, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism, tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "RGAAv4", "best-practice"];
const VIEWS = [
  { name: "wide, light", width: 1280, height: 900, scheme: "light" },
  { name: "320 px, dark", width: 320, height: 640, scheme: "dark" },
];

function stop(why) {
  console.error(`check_axe: ${why}`);
  process.exit(2);
}

const folder = process.argv[2];
if (process.argv.length !== 3) stop("usage: check_axe.mjs FOLDER");

function load(name) {
  // Modules that are imported are not looked for in a folder of one's choice; those that are required are.
  const from = process.env.CONVOKE_NPM ? join(resolve(process.env.CONVOKE_NPM), "here.js") : import.meta.url;
  try {
    return createRequire(from)(name);
  } catch (error) {
    return stop(`no ${name} for ${from}: ${error.message.split("\n")[0]}`);
  }
}

function findChromium() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const place of (process.env.PATH ?? "").split(delimiter)) {
    for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
      try {
        accessSync(join(place, name), constants.X_OK);
        return join(place, name);
      } catch {
        // Not here.
      }
    }
  }
  return stop("no chromium: install it, or set CHROMIUM");
}

const puppeteer = load("puppeteer-core");
const axe = load("axe-core");
const executablePath = findChromium();
let pages;
try {
  pages = readdirSync(folder).filter((name) => name.endsWith(".html")).sort();
} catch (error) {
  stop(error.message);
}
// An empty folder is a broken test, not a success.
if (pages.length === 0) stop(`no page in ${folder}`);

const failures = [];
const undecided = new Map();
const ran = new Set();

async function check(tab, name) {
  const url = pathToFileURL(resolve(folder, name)).href;
  for (const view of VIEWS) {
    const fail = (what) => failures.push(`${name} (${view.name}): ${what}`);
    const onRequest = (request) => {
      // A letter that fetches something reveals to its sender when it was read.
      const wanted = request.url();
      if (wanted !== url && !wanted.startsWith("data:")) fail(`fetches ${wanted}`);
    };
    await tab.setViewport({ width: view.width, height: view.height });
    await tab.emulateMediaFeatures([{ name: "prefers-color-scheme", value: view.scheme }]);
    tab.on("request", onRequest);
    await tab.goto(url, { waitUntil: "load" });
    tab.off("request", onRequest);
    const width = await tab.evaluate(() => document.scrollingElement.scrollWidth);
    if (width > view.width) fail(`${width} px wide in a window of ${view.width} px`);
    // axe takes a page without a background for white, even in the dark: give it the colour that Chromium paints.
    await tab.evaluate(() => {
      const root = document.documentElement;
      if (getComputedStyle(root).backgroundColor === "rgba(0, 0, 0, 0)") root.style.backgroundColor = "Canvas";
    });
    await tab.evaluate(axe.source);
    const options = { runOnly: { type: "tag", values: RULES }, resultTypes: ["violations", "incomplete"] };
    const found = await tab.evaluate((wanted) => globalThis.axe.run(document, wanted), options);
    for (const rule of [...found.passes, ...found.violations, ...found.incomplete]) ran.add(rule.id);
    for (const rule of found.violations) {
      const level = rule.tags.includes("best-practice") ? "best practice" : "WCAG";
      for (const node of rule.nodes) {
        fail(`${rule.id} (${level}): ${rule.help}: ${node.target.join(" ")}: ${node.html.slice(0, 120)}`);
      }
    }
    for (const rule of found.incomplete) {
      undecided.set(rule.id, (undecided.get(rule.id) ?? 0) + rule.nodes.length);
    }
  }
}

const profile = mkdtempSync(join(tmpdir(), "check-axe."));
const browser = await puppeteer.launch({
  executablePath,
  userDataDir: profile,
  // CI is root, for whom Chromium has no sandbox, and /dev/shm is small in containers.
  args: ["--no-sandbox", "--disable-dev-shm-usage"],
});
const version = await browser.version();
try {
  const queue = [...pages];
  const worker = async () => {
    const tab = await browser.newPage();
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) await check(tab, name);
    await tab.close();
  };
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism(), pages.length) }, worker));
} finally {
  await browser.close();
  rmSync(profile, { recursive: true, force: true });
}

console.log(`${pages.length} pages x ${VIEWS.length} views (${VIEWS.map((view) => view.name).join("; ")})`);
console.log(`${version}, axe-core ${axe.version}: ${ran.size} rules had something to check`);
for (const [rule, count] of undecided) console.log(`axe cannot decide: ${rule}, ${count} times`);
for (const failure of failures.sort()) console.log(`  ${failure}`);
console.log(failures.length === 0 ? "accessibility: ok" : `accessibility: FAILED (${failures.length} failures)`);
process.exit(failures.length === 0 ? 0 : 1);
