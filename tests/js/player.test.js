/* The player on a domain's page: what it shows and which keys it takes. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { NEEDS_SITE, press, visit } from "./helpers.js";

const NAMES = ["Opus", "Low-pass"];
const card = (window, i = 0) => window.document.querySelectorAll(".card")[i];
const chosen = (window, i = 0) =>
  [...card(window, i).querySelectorAll("tbody tr")].findIndex((row) =>
    row.classList.contains("chosen"),
  );
const said = (window) => window.document.getElementById("said").textContent;
const shown = (window, name) => card(window).querySelector(name).textContent;

test("the plain players become one, whose versions are chosen by digit", NEEDS_SITE, async () => {
  const window = await visit("speech.html");
  assert.equal(window.document.querySelector("audio"), null);
  for (const [key, row] of [
    ["2", 2],
    ["0", 0],
    ["3", 3],
    ["9", 3],
  ]) {
    press(window, key);
    assert.equal(chosen(window), row); // there is no ninth
  }
  assert.match(said(window), /Low-pass/);
  assert.match(card(window).querySelector("img").alt, /Low-pass/);
});

test(
  "keys go to the clip that was chosen, and to nobody where they are off",
  NEEDS_SITE,
  async () => {
    const window = await visit("speech.html");
    const other = card(window, 1);
    other.dispatchEvent(new window.MouseEvent("pointerdown", { bubbles: true }));
    press(window, "2");
    assert.deepEqual([chosen(window, 0), chosen(window, 1)], [0, 2]);
    assert.equal(press(window, "2", { ctrlKey: true }), false);
    const box = window.document.createElement("input");
    window.document.body.append(box);
    box.focus();
    assert.equal(press(window, "1"), false);
    box.remove();
    other.dispatchEvent(new window.MouseEvent("pointerdown", { bubbles: true }));
    window.document.getElementById("keys-on").checked = false;
    assert.equal(press(window, "1"), false);
  },
);

test("arrow keys move by one or five seconds, within the clip", NEEDS_SITE, async () => {
  const window = await visit("speech.html");
  const steps = [
    ["ArrowRight", {}, "0:01.0"],
    ["ArrowRight", {}, "0:01.5"],
    ["ArrowLeft", {}, "0:00.5"],
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
    const window = await visit("speech.html");
    const band = card(window).querySelector(".view").children[1];
    press(window, "ArrowRight");
    press(window, "a");
    assert.equal(band.hidden, true); // it has no end yet
    assert.match(said(window), /Loop begins at 1\.0/);
    press(window, "ArrowRight");
    press(window, "b");
    assert.equal(band.hidden, false);
    assert.match(band.style.left, /^66\.6/);
    press(window, "ArrowLeft");
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
      const window = await visit("speech.html");
      press(window, "m");
      const choice = card(window).querySelector(".choice");
      const seen = choice.textContent + card(window).querySelector("img").alt + said(window);
      assert.ok(!NAMES.some((name) => seen.includes(name)), seen);
      const labels = [...choice.querySelectorAll("label")].map(
        (label) => label.lastChild.textContent,
      );
      assert.deepEqual(labels, ["Original", "P", "Q", "R"]);
      assert.equal(chosen(window), -1);
      press(window, "m");
      const rows = [...card(window).querySelectorAll("tbody th")].slice(1);
      const was = rows.map((row) => row.querySelector(".was").textContent);
      assert.deepEqual([...was].sort(), [" was P", " was Q", " was R"]);
      orders.add(was.join());
    }
    assert.ok(orders.size >= 3); // of six, in twelve draws
  },
);

test("gains are shown, and none where they are off", NEEDS_SITE, async () => {
  const window = await visit("speech.html");
  const gains = () =>
    [...card(window).querySelectorAll("tbody tr")].map((row) => row.cells[1].textContent);
  const matched = gains();
  assert.ok(
    matched.every((text) => /^−?\d+\.\d$/.test(text)),
    matched.join(),
  );
  assert.ok(matched.includes("0.0")); // the quietest stays as it is
  const box = card(window).querySelector(".match");
  box.checked = false;
  box.onchange();
  assert.deepEqual(gains(), ["0.0", "0.0", "0.0", "0.0"]);
});
