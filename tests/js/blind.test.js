/* The blind tests as a listener meets them, on the pages of a built site. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { NEEDS_SITE, press, visit } from "./helpers.js";

const until = async (met) => {
  for (let i = 0; i < 200; i++) {
    if (met()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail("it did not come to that");
};

function stored(window) {
  const { localStorage } = window;
  const name = Object.keys(localStorage).find((key) => /:(abx|mushra):/.test(key));
  return name ? JSON.parse(localStorage.getItem(name)) : null;
}

const find = (window, id) => window.document.getElementById(id);
const submit = (window, id) =>
  find(window, id).dispatchEvent(new window.Event("submit", { cancelable: true }));

/** Begin a test whose seed is known. */
async function begin(page, seed, before = () => {}) {
  const window = await visit(page, {
    prepare(window) {
      window.crypto.getRandomValues = (array) => array.fill(seed);
    },
  });
  if (page.startsWith("abx")) await until(() => !find(window, "begin").disabled);
  before(window);
  submit(window, "start");
  return window;
}

test("ABX: every clip once before any twice, X by lot, all from the seed", NEEDS_SITE, async () => {
  const [trials, firsts] = [[], new Set()];
  for (let seed = 0; seed < 12; seed++) {
    const window = await begin("abx-speech.html", seed);
    const state = stored(window);
    assert.equal(state.seed, seed);
    assert.equal(state.trials.length, 16);
    for (let i = 0; i < 16; i += 2) {
      assert.notEqual(state.trials[i].clip, state.trials[i + 1].clip); // there are two clips
    }
    firsts.add(state.trials[0].clip);
    trials.push(...state.trials.map(({ x }) => x));
    if (seed === 3) {
      const again = stored(await begin("abx-speech.html", seed));
      const plan = ({ clip, x }) => `${clip}${x}`;
      assert.deepEqual(again.trials.map(plan), state.trials.map(plan));
    }
  }
  assert.equal(firsts.size, 2);
  const share = trials.filter((x) => x === "a").length / trials.length;
  assert.ok(Math.abs(share - 0.5) < 3.3 * (0.5 / Math.sqrt(trials.length)), `${share}`);
});

test("ABX: two that are the same cannot be compared", NEEDS_SITE, async () => {
  const window = await begin("abx-speech.html", 1, (window) => {
    find(window, "choose-b").value = find(window, "choose-a").value;
    find(window, "choose-b").onchange();
  });
  assert.match(find(window, "choice-message").textContent, /Choose two that differ/);
  assert.equal(find(window, "choose-b").checkValidity(), false);
});

test("ABX: the planned number of trials, no score, then the outcome", NEEDS_SITE, async () => {
  const window = await begin("abx-speech.html", 5, (window) => {
    window.document.querySelector("input[name=planned][value='10']").checked = true;
    window.URL.createObjectURL = () => "blob:";
  });
  const { document } = window;
  const planned = stored(window).trials.map(({ x }) => x);
  assert.equal(planned.length, 10);
  for (const [i, x] of planned.entries()) {
    assert.equal(document.querySelector("#trial h2").textContent, `Trial ${i + 1} of 10`);
    submit(window, "answer");
    assert.match(find(window, "missing").textContent, /Listen to X first/);
    press(window, "x", { target: find(window, "trial") });
    await until(() => stored(window).trials[i].knowsX);
    submit(window, "answer");
    assert.match(find(window, "missing").textContent, /which one X is/);
    const right = i < 8; // the last two are wrong
    press(window, right === (x === "a") ? "1" : "2", { target: find(window, "trial") });
    assert.doesNotMatch(document.body.textContent, /of 10 right/);
    submit(window, "answer");
  }
  await until(() => find(window, "json").value);
  const outcome = find(window, "outcome").textContent;
  assert.match(outcome, /8 of 10 right/);
  assert.match(outcome, /probability of 0\.055 /); // (45 + 10 + 1) / 1024
  const result = JSON.parse(find(window, "json").value);
  assert.deepEqual(result.pair, { a: "original", b: "opus-6" });
  assert.equal(result.trials.filter(({ x, answer }) => x === answer).length, 8);
  assert.ok(result.trials.every(({ plays }) => plays >= 1));
});

test("MUSHRA: each clip once, its stimuli in an order of its own", NEEDS_SITE, async () => {
  const orders = new Set();
  const places = Array(5).fill(0);
  for (let seed = 0; seed < 12; seed++) {
    const window = await begin("mushra-speech.html", seed);
    const { at, trials } = stored(window);
    assert.equal(at, -1); // the training
    assert.deepEqual(trials.map(({ clip }) => clip).sort(), [0, 1]);
    for (const { order, scores } of trials) {
      assert.deepEqual([...order].sort(), [0, 1, 2, 3, 4]);
      assert.deepEqual(scores, Array(5).fill(null));
      places[order.indexOf(0)] += 1;
      orders.add(order.join());
    }
  }
  assert.ok(orders.size > 18);
  assert.ok(Math.min(...places) >= 1, `${places}`);
});

test("MUSHRA: what is not heard or not rated is asked for", NEEDS_SITE, async () => {
  const window = await begin("mushra-speech.html", 9);
  const { document } = window;
  find(window, "next").click(); // the training
  find(window, "next").click();
  const missing = () => find(window, "missing").textContent;
  assert.equal(missing(), "Still to do: play 1, 2, 3, 4, 5; rate 1, 2, 3, 4, 5.");
  press(window, "2", { target: find(window, "trial") });
  await until(() => missing() === "Still to do: play 1, 3, 4, 5; rate 1, 2, 3, 4, 5.");
  const slider = document.querySelectorAll("#stimuli input")[1];
  assert.equal(document.activeElement, slider); // so that the arrow keys rate what is heard
  for (const [value, word] of [
    [0, "Bad"],
    [20, "Poor"],
    [59, "Fair"],
    [60, "Good"],
    [100, "Excellent"],
  ]) {
    slider.value = value;
    slider.oninput();
    assert.equal(slider.getAttribute("aria-valuetext"), `${value}, ${word}`);
  }
  assert.equal(missing(), "Still to do: play 1, 3, 4, 5; rate 1, 3, 4, 5.");
  assert.equal(find(window, "next").getAttribute("aria-disabled"), "true");
});

test("progress outlives a reload; a broken store only loses it", NEEDS_SITE, async () => {
  const before = await begin("mushra-speech.html", 2);
  find(before, "next").click();
  const store = { ...before.localStorage };
  const after = await visit("mushra-speech.html", { store });
  assert.equal(find(after, "resume").hidden, false);
  assert.match(find(after, "so-far").textContent, /as far as clip 1 of 2/);
  find(after, "continue").click();
  assert.equal(find(after, "seed").textContent, "2");

  const broken = Object.fromEntries(Object.keys(store).map((key) => [key, "{not JSON"]));
  const anew = await visit("mushra-speech.html", { store: broken });
  assert.equal(find(anew, "start").hidden, false);

  const closed = await visit("mushra-speech.html", {
    prepare(window) {
      Object.defineProperty(window, "localStorage", {
        get() {
          throw new Error("denied");
        },
      });
    },
  });
  submit(closed, "start");
  assert.equal(find(closed, "unkept").hidden, false);
});

test("keys leave text fields, shortcuts and unknown keys alone", NEEDS_SITE, async () => {
  const window = await begin("abx-speech.html", 4);
  const { document } = window;
  const trial = find(window, "trial");
  for (const [facts, taken] of [
    [{ key: "b" }, true],
    [{ key: "B" }, true],
    [{ key: "b", ctrlKey: true }, false],
    [{ key: "b", altKey: true }, false],
    [{ key: "b", metaKey: true }, false],
    [{ key: "q" }, false],
    [{ key: "Escape" }, false],
    [{ key: "toString" }, false],
    [{ key: "ArrowLeft" }, true],
  ]) {
    const { key, ...keys } = facts;
    assert.equal(press(window, key, { target: trial, ...keys }), taken, JSON.stringify(facts));
  }
  for (const [element, key, taken] of [
    ["input[type=text]", "b", false],
    ["input[type=radio]", "ArrowLeft", false],
    ["input[type=radio]", "b", true],
    ["input[type=range]", "ArrowLeft", false],
    ["button", " ", false],
    ["button", "x", true],
  ]) {
    if (!trial.querySelector(element)) trial.append(document.createElement("input"));
    const target = trial.querySelector(element) ?? trial.lastElementChild;
    assert.equal(press(window, key, { target }), taken, `${element} ${key}`);
  }
});

test("where the key is missing, the names are asked for again", NEEDS_SITE, async () => {
  const window = await visit("abx-speech.html", {
    prepare(window) {
      const { append } = window.Element.prototype;
      window.HTMLHeadElement.prototype.append = function (...parts) {
        for (const part of parts) part.src = "http://site/tests/nowhere.js";
        append.call(this, ...parts);
      };
    },
  });
  await until(() => find(window, "choice-message").textContent);
  assert.match(find(window, "choice-message").textContent, /could not be loaded/);
  assert.equal(find(window, "begin").disabled, true);
});
