import assert from "node:assert/strict";
import { test } from "node:test";
import { open } from "./helpers.js";

const ROWS = [
  ["Opus 10", "speech", "10", 3],
  ["opus 9", "speech", "9", 1],
  ["Éclair", "neural", "", null],
  ["Encodec", "neural", "1.5", 3],
  ["zero", "neural", "0", -2],
];

function table(rows = ROWS) {
  const body = rows.map(
    ([name, family, rate, score]) =>
      `<tr data-family="${family}" data-rate="${rate}"><th>${name}</th>` +
      `<td data-value="${score ?? ""}">${score ?? "–"}</td></tr>`,
  );
  return (
    '<table class="sorts" data-list><caption>Means.</caption><thead><tr>' +
    '<th data-first="ascending">Codec</th><th data-first="descending">Score</th></tr></thead>' +
    `<tbody>${body.join("")}</tbody></table>`
  );
}

const FILTERS =
  '<form id="filters" hidden>' +
  '<select data-filter="family"><option value=""></option><option>speech</option><option>neural</option></select>' +
  '<input data-filter="low"><input data-filter="high">' +
  '<select data-filter="domain"><option value=""></option><option>speech</option><option>music</option></select>' +
  '<button type="button" id="everything"></button><p id="shown"></p></form>' +
  '<section data-domain="speech"></section><section data-domain="music"></section>';

const names = (window) =>
  [...window.document.querySelectorAll("tbody th")].map((cell) => cell.textContent);
const heading = (window, i) => window.document.querySelectorAll("thead button")[i];
const sorted = (window) =>
  [...window.document.querySelectorAll("thead th")].map((head) => head.getAttribute("aria-sort"));

test("a press sorts best first, the next the other way, the third as it was", () => {
  const window = open(table(), "common.js", "tables.js");
  const orders = [];
  for (let press = 0; press < 3; press++) {
    heading(window, 1).click();
    orders.push([names(window).join(), sorted(window)[1]]);
  }
  assert.deepEqual(orders, [
    ["Opus 10,Encodec,opus 9,zero,Éclair", "descending"], // equal scores stay in order
    ["zero,opus 9,Opus 10,Encodec,Éclair", "ascending"], // what is missing stays last
    ["Opus 10,opus 9,Éclair,Encodec,zero", null],
  ]);
});

test("names are sorted as readers do: numbers by value, no care for case or accents", () => {
  const window = open(table(), "common.js", "tables.js");
  heading(window, 0).click();
  assert.deepEqual(names(window), ["Éclair", "Encodec", "opus 9", "Opus 10", "zero"]);
});

test("one column at a time says that it is sorted, and starts anew", () => {
  const window = open(table(), "common.js", "tables.js");
  heading(window, 0).click();
  heading(window, 1).click();
  assert.deepEqual(sorted(window), [null, "descending"]);
  heading(window, 0).click();
  assert.deepEqual(sorted(window), ["ascending", null]);
});

test("headings keep what they held, and say which are numbers", () => {
  const window = open(table().replace("Score", "<abbr>Score</abbr>"), "common.js", "tables.js");
  const head = heading(window, 1).parentElement;
  assert.equal(head.innerHTML, '<button type="button"><abbr>Score</abbr></button>');
  assert.deepEqual(
    [head.dataset.numeric, heading(window, 0).parentElement.dataset.numeric],
    ["", undefined],
  );
  assert.match(window.document.querySelector("caption").textContent, /Press a heading/);
});

function choose(window, choice) {
  for (const [name, value] of Object.entries(choice)) {
    const field = window.document.querySelector(`[data-filter=${name}]`);
    field.value = value;
    field.dispatchEvent(new window.Event("input"));
  }
  const rows = [...window.document.querySelectorAll("tbody tr")];
  return rows.filter((row) => !row.hidden).map((row) => row.cells[0].textContent);
}

const said = (window) => window.document.getElementById("shown").textContent;

test("rows are chosen by family and by bitrate, bounds included", () => {
  const all = ROWS.map(([name]) => name);
  for (const [choice, shown] of [
    [{}, all],
    [{ family: "neural" }, ["Éclair", "Encodec", "zero"]],
    [{ low: "9" }, ["Opus 10", "opus 9"]],
    [{ high: "9" }, ["opus 9", "Encodec", "zero"]],
    [{ low: "1", high: "9", family: "neural" }, ["Encodec"]],
    [{ low: "11" }, []],
    [{ low: "0" }, ["Opus 10", "opus 9", "Encodec", "zero"]], // a codec without a rate is hidden
  ]) {
    const window = open(FILTERS + table(), "common.js", "tables.js");
    assert.equal(window.document.getElementById("filters").hidden, false);
    assert.deepEqual(choose(window, choice), shown);
    if (shown !== all) assert.match(said(window), new RegExp(`^${shown.length} of 5 codecs\\.`));
    assert.equal(/without a bitrate/.test(said(window)), "low" in choice || "high" in choice);
    window.document.getElementById("everything").click();
    assert.deepEqual(choose(window, {}), all);
    assert.equal(said(window), "");
  }
});

test("a domain shows its own parts", () => {
  const window = open(FILTERS + table(), "common.js", "tables.js");
  choose(window, { domain: "music" });
  const parts = [...window.document.querySelectorAll("section")].map((part) => part.hidden);
  assert.deepEqual(parts, [true, false]);
});

test("a page without tables, filters and citations stays as it is", () => {
  assert.equal(
    open("<p>text</p>", "common.js", "tables.js").document.body.innerHTML,
    "<p>text</p>",
  );
});

const CITATION = '<div class="citation"><pre>@misc{a, title={B}}</pre></div>';
const settle = () => new Promise((resolve) => setTimeout(resolve));

test("a citation is copied, or selected where that is not allowed", async () => {
  const window = open(CITATION, "common.js", "tables.js");
  const { document, navigator } = window;
  document.querySelector("button").click(); // there is no clipboard in this window
  await settle();
  assert.equal(String(window.getSelection()), "@misc{a, title={B}}");
  assert.match(document.querySelector("[role=status]").textContent, /^Selected/);

  let copied = "";
  Object.defineProperty(navigator, "clipboard", {
    value: { writeText: async (text) => (copied = text) },
  });
  document.querySelector("button").click();
  await settle();
  assert.equal(copied, "@misc{a, title={B}}");
  assert.equal(document.querySelector("[role=status]").textContent, "Copied.");
});
