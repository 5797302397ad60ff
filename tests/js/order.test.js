/* Which clips the matrix lists, and in which order. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { open } from "./helpers.js";

const { arrange } = open("", "common.js", "order.js").Almbench;
const CLIPS = [
  { id: "p1_1", text: "Ask her to bring", speaker: "p1" },
  { id: "p1_2", text: "these things", speaker: "p1" },
  { id: "p2_1", text: "with her from the store", speaker: "p2" },
  { id: "p2_2", text: "", speaker: "p2" },
];
const SCORES = [
  [null, 0.9, 0.8],
  [null, 0.5, 0.7],
  [null, null, 0.6],
  [null, 0.7, 0.2],
];
const ALL = { q: "", sort: "", of: 1, over: 2, seed: 1, n: 0 };
const list = (view, better = true) => [...arrange(CLIPS, SCORES, better, { ...ALL, ...view })];

test("all words must be in id, text or speaker, in any case", () => {
  assert.deepEqual(list({}), [0, 1, 2, 3]);
  assert.deepEqual(list({ q: "HER" }), [0, 2]);
  assert.deepEqual(list({ q: " her  p2 " }), [2]);
  assert.deepEqual(list({ q: "nobody" }), []);
});

test("worst and best of a system, without the clips that have no score", () => {
  assert.deepEqual(list({ sort: "worst" }), [1, 3, 0]);
  assert.deepEqual(list({ sort: "best" }), [0, 3, 1]);
  assert.deepEqual(list({ sort: "worst", n: 2 }), [1, 3]);
  assert.deepEqual(list({ sort: "worst" }, false), [0, 3, 1]);
  assert.deepEqual(list({ sort: "worst", q: "p1" }), [1, 0]);
});

test("where one beats the other, most first, and no other clip", () => {
  assert.deepEqual(list({ sort: "beats" }), [3, 0]);
  assert.deepEqual(list({ sort: "beats" }, false), [1]);
  assert.deepEqual(list({ sort: "beats", of: 2, over: 1 }), [1]);
});

test("a draw is the same for a seed, and another for others", () => {
  const draws = Array.from({ length: 30 }, (_, seed) =>
    list({ sort: "random", seed, n: 2 }).join(),
  );
  assert.equal(list({ sort: "random", seed: 7, n: 2 }).join(), draws[7]);
  assert.ok(new Set(draws).size > 6); // of twelve
});
