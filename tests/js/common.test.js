import assert from "node:assert/strict";
import { test } from "node:test";
import { open } from "./helpers.js";

const { make, random, shuffled, byGuessing, letter, decibels, clock } = open(
  "",
  "common.js",
).Almbench;

test("numbers are those of mulberry32", () => {
  // Computed with Python's integers from the generator's definition.
  const known = [
    [0, [1144304738, 1416247, 958946056, 627933444]],
    [1, [2693262067, 11749833, 2265367787, 4213581821]],
    [123456789, [1107202814, 4169434471, 3372958138, 885470128]],
    [4294967295, [3850105811, 813802916, 3073704848, 4054706436]],
  ];
  for (const [seed, values] of known) {
    const draw = random(seed);
    for (const value of values) assert.equal(draw() * 2 ** 32, value);
  }
});

test("every order of four is as likely as any other", () => {
  const counts = new Map();
  const times = 24_000;
  for (let seed = 0; seed < times; seed++) {
    const order = shuffled(4, random(seed)).join("");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  assert.equal(counts.size, 24);
  const due = times / 24;
  let chi2 = 0;
  for (const count of counts.values()) chi2 += (count - due) ** 2 / due;
  assert.ok(chi2 < 49.7, `chi-square ${chi2}`); // 0.1 % of fair shufflers exceed it
});

test("an order holds each number once, however few there are", () => {
  for (const count of [0, 1, 2, 7, 100]) {
    const order = shuffled(count, random(count)).sort((a, b) => a - b);
    assert.deepEqual([...order], [...Array(count).keys()]);
  }
});

test("the chance of guessing is what counting all answers gives", () => {
  for (const count of [1, 5, 10]) {
    const ones = [...Array(2 ** count).keys()].map((n) => n.toString(2).replaceAll("0", "").length);
    for (let right = 0; right <= count; right++) {
      const share = ones.filter((k) => k >= right).length / 2 ** count;
      assert.ok(Math.abs(byGuessing(right, count) - share) < 1e-12);
    }
  }
  assert.ok(Math.abs(byGuessing(12, 16) - 2517 / 65536) < 1e-12);
});

test("letters are different, and none is a key of the player", () => {
  const letters = [...Array(60).keys()].map(letter);
  assert.equal(new Set(letters).size, 60);
  assert.deepEqual([letters[0], letters[10], letters[11], letters[22]], ["P", "Z", "P2", "P3"]);
  for (const key of "ABLMablm") assert.ok(!letters.includes(key));
});

test("levels and times are written for readers", () => {
  assert.deepEqual([0, -0.04, 0.06, -3.25, 12].map(decibels), [
    "0.0",
    "0.0",
    "0.1",
    "−3.3",
    "12.0",
  ]);
  const times = [0, 0.04, 9.96, 59.94, 59.96, 61, 754.32, 3600];
  const clocks = ["0:00.0", "0:00.0", "0:10.0", "0:59.9", "1:00.0", "1:01.0", "12:34.3", "60:00.0"];
  assert.deepEqual(times.map(clock), clocks);
});

test("what is put into an element stays text", () => {
  const element = make("p", { className: "warn" }, "<b>bold</b>", make("i"));
  assert.equal(element.outerHTML, '<p class="warn">&lt;b&gt;bold&lt;/b&gt;<i></i></p>');
});
