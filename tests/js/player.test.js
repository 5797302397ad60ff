/* The matrix and the card on a domain's page: what they show and which keys they take. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { NEEDS_SITE, press, until, visit } from "./helpers.js";

const NAMES = ["Opus", "Low-pass"];
const grid = (window) => window.document.querySelector("[role=grid]");
const card = (window) => window.document.querySelector(".card");
const chosen = (window) =>
  [...card(window).querySelectorAll("tbody > tr")].findIndex((row) =>
    row.classList.contains("chosen"),
  );
const said = (window) => window.document.getElementById("said").textContent;
const shown = (window, name) => card(window).querySelector(name).textContent;

/* The page, with the card of a clip opened and its data there. */
async function opened(i = 0, options = {}) {
  const window = await visit("speech.html", options);
  await until(() => grid(window));
  window.document.querySelectorAll(".clip")[i].click();
  await until(
    () => card(window)?.querySelector(".frame tr:nth-child(2) > td:nth-child(3)")?.textContent,
  );
  await until(() => card(window).querySelector(".picture").src.includes("views/"));
  return window;
}

test("a cell a clip and system, with its score, and no plain player", NEEDS_SITE, async () => {
  const window = await visit("speech.html");
  await until(() => grid(window));
  assert.equal(window.document.querySelector("audio, noscript"), null);
  const rows = [...grid(window).tBodies[0].rows];
  assert.deepEqual(
    rows.map((row) => row.querySelectorAll(".cell").length),
    [4, 4],
  );
  for (const cell of grid(window).querySelectorAll("td:nth-child(n + 3) .cell"))
    assert.match(cell.textContent, /^\d\.\d{3}$/);
  assert.match(rows[1].cells[2].firstChild.getAttribute("aria-label"), /^Opus, .*, b, STOI 0\./);
});

test("one cell alone is in the order of Tab, and arrows walk", NEEDS_SITE, async () => {
  const window = await visit("speech.html");
  await until(() => grid(window));
  const tabbed = () => [...grid(window).querySelectorAll("[tabindex='0']")];
  assert.equal(tabbed().length, 1);
  const cells = [...grid(window).querySelectorAll(".cell")];
  tabbed()[0].focus();
  const steps = [
    ["ArrowRight", cells[1]],
    ["ArrowDown", cells[5]],
    ["ArrowDown", cells[5]], // there is no row below
    ["End", cells[7]],
    ["ArrowRight", cells[7]],
    ["ArrowUp", cells[3]],
  ];
  for (const [key, cell] of steps) {
    press(window, key);
    assert.equal(window.document.activeElement, cell, key);
    assert.deepEqual(tabbed(), [cell]);
  }
  press(window, "ArrowUp");
  assert.equal(window.document.activeElement.textContent, "Low-pass 3.5 kHz anchor3");
  press(window, "Home", { ctrlKey: true });
  assert.equal(window.document.activeElement.className, "clip");
});

test("a head sorts: worst first, best first, as listed", NEEDS_SITE, async () => {
  const window = await visit("speech.html");
  await until(() => grid(window));
  const order = () => [...grid(window).querySelectorAll(".clip")].map((one) => one.textContent);
  const scores = () =>
    [...grid(window).querySelectorAll("td:nth-child(3)")].map((one) => Number(one.textContent));
  const head = () => grid(window).querySelector("thead th:nth-child(3)");
  const [low, high] = scores().toSorted();
  const cases = [
    ["ascending", [low, high]],
    ["descending", [high, low]],
    [null, null],
  ];
  for (const [sort, wanted] of cases) {
    head().querySelector("button").click();
    await until(() => head().getAttribute("aria-sort") === sort);
    if (wanted) assert.deepEqual(scores(), wanted);
    else assert.deepEqual(order(), ["a", "b"]);
  }
});

test("versions are chosen by digit and by step", NEEDS_SITE, async () => {
  const window = await opened();
  const keys = [
    ["2", 2],
    ["0", 0],
    ["3", 3],
    ["9", 3], // there is no ninth
    ["k", 0],
    ["k", 1],
    ["j", 0],
    ["j", 3],
  ];
  for (const [key, row] of keys) {
    press(window, key);
    assert.equal(chosen(window), row, key);
  }
  assert.match(said(window), /Low-pass/);
  assert.match(card(window).querySelector("img").alt, /Low-pass/);
});

test("keys go to nobody where they are off, and to fields", NEEDS_SITE, async () => {
  const window = await opened();
  assert.equal(press(window, "2", { ctrlKey: true }), false);
  const search = window.document.querySelector("input[type=search]");
  search.focus();
  assert.equal(press(window, "1"), false);
  search.blur();
  window.document.getElementById("keys-on").checked = false;
  assert.equal(press(window, "1"), false);
});

test("keys move by one or five seconds, within the clip", NEEDS_SITE, async () => {
  const window = await opened();
  window.document.activeElement.blur();
  const steps = [
    ["ArrowRight", {}, "0:01.0"],
    [".", {}, "0:01.5"],
    [",", {}, "0:00.5"],
  ];
  for (const [key, facts, time] of [...steps, ["ArrowLeft", { shiftKey: true }, "0:00.0"]]) {
    press(window, key, facts);
    assert.equal(shown(window, ".time"), `${time} / 0:01.5`);
  }
});

test(
  "a loop's ends are set by key; an end before the beginning undoes it",
  NEEDS_SITE,
  async () => {
    const window = await opened();
    const band = card(window).querySelector(".band");
    press(window, ".");
    press(window, "a");
    assert.equal(band.hidden, true); // it has no end yet
    assert.match(said(window), /Loop begins at 1\.0/);
    press(window, ".");
    press(window, "b");
    assert.equal(band.hidden, false);
    assert.match(band.style.left, /^66\.6/);
    press(window, ",");
    press(window, "b"); // at 0.5 s, before the beginning
    assert.equal(band.style.left, "0%");
    assert.match(band.style.width, /^33\.3/);
    press(window, "l");
    assert.equal(band.hidden, true);
  },
);

test(
  "hidden versions tell nothing, in an order of their own, until they are shown",
  NEEDS_SITE,
  async () => {
    const orders = new Set();
    for (let i = 0; i < 12; i++) {
      const window = await opened();
      press(window, "m");
      const html = window.document.documentElement.outerHTML + window.location.href;
      assert.ok(!NAMES.some((name) => html.toLowerCase().includes(name.toLowerCase())), html);
      const labels = [...card(window).querySelectorAll(".choice label")].map(
        (label) => label.lastChild.textContent,
      );
      assert.deepEqual(labels, ["Original", "P", "Q", "R"]);
      const heads = [...grid(window).querySelectorAll("thead th bdi, thead .head")];
      assert.deepEqual(
        heads.map((head) => head.textContent.replace(/\d/, "")),
        ["Clip", "Original", "P", "Q", "R"],
      );
      press(window, "m");
      await until(() => card(window).querySelector(".was"));
      const rows = [...card(window).querySelectorAll("tbody > tr > th")].slice(1);
      const was = rows.map((row) => row.querySelector(".was").textContent);
      assert.deepEqual([...was].sort(), [" was P", " was Q", " was R"]);
      orders.add(was.join());
    }
    assert.ok(orders.size >= 3); // of six, in twelve draws
  },
);

test("gains are shown, and none where they are off", NEEDS_SITE, async () => {
  const window = await opened();
  const gains = () =>
    [...card(window).querySelectorAll("tbody > tr")].map((row) => row.cells[1].textContent);
  const matched = gains();
  assert.ok(
    matched.every((text) => /^−?\d+\.\d$/.test(text)),
    matched.join(),
  );
  assert.ok(matched.includes("0.0")); // the quietest stays as it is
  const box = window.document.querySelector(".match");
  box.checked = false;
  box.onchange();
  assert.deepEqual(gains(), ["0.0", "0.0", "0.0", "0.0"]);
});

test("a link is followed: clip, system, place, score and order", NEEDS_SITE, async () => {
  const hash = "#clip=b&system=opus-24&t=0.75&metric=mel_distance&sort=worst&of=opus-6";
  const window = await visit("speech.html", { hash });
  await until(
    () => card(window)?.querySelector(".frame tr:nth-child(2) > td:nth-child(3)")?.textContent,
  );
  await until(() => shown(window, ".time") === "0:00.8 / 0:01.5");
  assert.equal(chosen(window), 2);
  const { elements } = window.document.getElementById("tools");
  assert.deepEqual(
    ["metric", "sort", "of"].map((name) => elements[name].value),
    ["mel_distance", "worst", "opus-6"],
  );
  const scores = [...grid(window).querySelectorAll("tr > td:nth-child(3) > .cell")];
  assert.ok(Number(scores[0].textContent) >= Number(scores[1].textContent));
  await until(() => window.location.hash.includes("t=0.75"));
  const said = new URLSearchParams(window.location.hash.slice(1));
  assert.deepEqual(said, new URLSearchParams(hash.slice(1)));
});

test("a link to what is not there says so", NEEDS_SITE, async () => {
  const window = await visit("speech.html", { hash: "#clip=none&metric=none&n=-3&sort=odd" });
  await until(() => window.document.getElementById("lost").textContent);
  assert.match(window.document.getElementById("lost").textContent, /clip none, which is not here/);
  assert.equal(grid(window).querySelectorAll(".clip").length, 2);
});
