/* The listening pages in Firefox; run by tests/site/test_firefox.py with FIREFOX, SERVED and DISK. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import puppeteer from "puppeteer-core";

const { FIREFOX, SERVED, DISK } = process.env;
const VERSIONS = 4;
let browser;

before(async () => {
  browser = await puppeteer.launch({
    browser: "firefox",
    executablePath: FIREFOX,
    defaultViewport: null, // Firefox ESR has not all commands that setting one needs
    args: ["--width=1440", "--height=985"],
    extraPrefsFirefox: { "media.autoplay.default": 0, "media.autoplay.blocking_policy": 0 },
  });
});

after(() => browser?.close());

/* A page with what went wrong on it. */
async function visit(address) {
  const page = await browser.newPage();
  const faults = [];
  page.on("console", (message) => faults.push(message.text()));
  page.on("pageerror", (error) => faults.push(error.message));
  await page.goto(address);
  await until(page, () => document.querySelector("[role=grid], .card") !== null);
  return { page, faults };
}

const cell = (row, version) =>
  `[role=grid] > tbody > tr[aria-rowindex="${row + 2}"] > td:nth-child(${version + 2}) > .cell`;
const place = (page) => page.$eval(".card [type=range]", (range) => Number(range.value));
const pressed = (page, selector) => page.$eval(selector, (e) => e.ariaPressed);

/* Wait until something holds on a page, whose policy forbids puppeteer's own way to look. */
async function until(page, holds, ...values) {
  for (let i = 0; i < 200; i++) {
    if (await page.evaluate(holds, ...values)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`It does not come to be: ${holds}`);
}

async function movesOn(page) {
  await until(page, () => document.querySelector(".card [type=range]") !== null);
  const here = await place(page);
  const moved = (before) => Number(document.querySelector(".card [type=range]").value) !== before;
  await until(page, moved, here);
}

test("one click plays, another switches in step, to the sample", async () => {
  const { page, faults } = await visit(`${SERVED}/speech.html`);
  await page.evaluate(() => {
    window.starts = [];
    const { start } = AudioBufferSourceNode.prototype;
    AudioBufferSourceNode.prototype.start = function (at, offset) {
      window.starts.push([at, offset]);
      return start.call(this, at, offset);
    };
  });
  await page.click(cell(0, 0));
  await movesOn(page);
  await page.keyboard.press("l");
  await until(page, (n) => window.starts.length >= n, 2 * VERSIONS);
  const begun = await page.evaluate(() => window.starts.length);
  for (const version of [2, 1, 3]) {
    await page.click(cell(0, version));
    assert.equal(await pressed(page, cell(0, version)), "true");
  }
  await movesOn(page);
  const starts = await page.evaluate(() => window.starts);
  assert.equal(starts.length, begun); // gains moved, and no source started anew
  const places = starts.slice(-VERSIONS).map(([at, offset]) => at - offset);
  assert.ok(Math.max(...places) - Math.min(...places) < 1e-4);
  assert.deepEqual(faults, []);
  await page.close();
});

test("arrows walk, Enter plays, and the link leads back", async () => {
  const { page, faults } = await visit(`${SERVED}/speech.html`);
  await page.focus(cell(0, 0));
  for (const key of ["ArrowRight", "ArrowDown", "ArrowRight", "Enter"])
    await page.keyboard.press(key);
  const name = await page.evaluate(() => document.activeElement.getAttribute("aria-label"));
  assert.match(name, /^Opus, 24 kbps, b, STOI/);
  await movesOn(page);
  await new Promise((done) => setTimeout(done, 400)); // its first tenths are no place of their own
  await page.keyboard.press(" ");
  const held = await place(page);
  await until(page, (t) => location.hash.includes(`t=${t}`), held.toFixed(2));
  const link = await page.evaluate(() => location.href);
  await page.close();
  const { page: again } = await visit(link);
  await until(again, () => document.querySelectorAll(".card [type=radio]")[2]?.checked);
  assert.ok(Math.abs((await place(again)) - held) < 0.02);
  assert.deepEqual(faults, []);
  await again.close();
});

test("blindness tells nothing", async () => {
  const { page } = await visit(`${SERVED}/speech.html`);
  await page.click(cell(0, 1));
  await movesOn(page);
  await page.keyboard.press("m");
  await until(page, () => !location.hash.includes("opus"));
  const html = await page.evaluate(() => document.documentElement.outerHTML + location.href);
  assert.doesNotMatch(html, /opus|low-?pass|stoi|kbps/i);
  await page.close();
});

test("from the disk one version sounds, and the others are in step", async () => {
  const { page, faults } = await visit(`${DISK}/speech.html`);
  await page.evaluate(() => {
    window.players = [];
    window.Audio = class extends window.Audio {
      constructor(url) {
        super(url);
        window.players.push(this);
      }
    };
  });
  await page.click(cell(0, 1));
  await movesOn(page);
  await page.keyboard.press("l");
  for (const version of [2, 0, 3]) {
    await page.click(cell(0, version));
    const sounding = await page.evaluate(() => {
      const heard = window.players.filter((one) => !one.paused && !one.muted);
      return heard.map((one) => window.players.indexOf(one));
    });
    assert.deepEqual(sounding, [version]);
  }
  await page.keyboard.press("k");
  await page.keyboard.press(",");
  const apart = await page.evaluate(() => {
    const places = window.players.map((one) => one.currentTime);
    return Math.max(...places) - Math.min(...places);
  });
  assert.ok(apart < 0.1, String(apart));
  assert.deepEqual(faults, []);
  await page.close();
});
