/* What several pages share: making elements, data, drawing by lot, writing numbers. */

"use strict";

window.Almbench = window.Almbench || {};

(() => {
  const LETTERS = "PQRSTUVWXYZ"; // none is a key of the player

  /**
   * A text in the language of the page: literals in calls of `tr` are translated when the site is
   * built. `{NAME}` stands for one of the values.
   */
  function tr(text, values = {}) {
    return text.replace(/\{(\w+)\}/g, (found, name) => values[name] ?? found);
  }

  /** Make an element; `facts` are properties, text goes in as text. */
  function make(tag, facts = {}, ...children) {
    const element = Object.assign(document.createElement(tag), facts);
    element.append(...children);
    return element;
  }

  /** The page's data; it is taken out of the page, which need not say more than is seen. */
  function takeData() {
    const script = document.getElementById("page-data");
    script.remove();
    return JSON.parse(script.textContent);
  }

  const received = new Map(); // what data scripts brought, by address
  const requests = new Map();

  /** What a data script calls. */
  function receive(address, value) {
    received.set(address, value);
  }

  /** Load data that lies in a script, which works on a page from the disk, too; only once each. */
  function request(address) {
    if (!requests.has(address)) requests.set(address, load(address));
    return requests.get(address);
  }

  function load(address) {
    return new Promise((resolve, reject) => {
      const script = make("script", { src: address });
      script.onload = () => {
        script.remove();
        resolve(received.get(address));
      };
      script.onerror = () => {
        script.remove();
        requests.delete(address); // it may come later
        reject(new Error("The data could not be fetched. Is the connection up?"));
      };
      document.head.append(script);
    });
  }

  /** Put a text on the clipboard; says whether that was allowed. */
  async function copied(text) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      return false;
    }
  }

  /** Draw numbers in [0, 1) from a seed of 32 bits, by the mulberry32 generator. */
  function random(seed) {
    let state = seed;
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    };
  }

  /** The whole numbers below `count` in an order drawn by Fisher and Yates, from the last on. */
  function shuffled(count, draw) {
    const order = Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const j = Math.floor(draw() * (i + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }

  /** The chance to get `right` or more of `count` right by guessing: the upper tail of Binomial(n, 1/2). */
  function byGuessing(right, count) {
    let [term, tail] = [0.5 ** count, 0];
    for (let k = 0; k <= count; k++) {
      if (k >= right) tail += term;
      term = (term * (count - k)) / (k + 1);
    }
    return Math.min(1, tail);
  }

  /** The name of the i-th version whose own name is hidden. */
  function letter(i) {
    const round = Math.floor(i / LETTERS.length);
    return LETTERS[i % LETTERS.length] + (round ? round + 1 : "");
  }

  /** A level with one decimal and a real minus sign. */
  function decibels(db) {
    return db
      .toFixed(1)
      .replace(/^-0\.0$/, "0.0")
      .replace("-", "−");
  }

  /** Minutes, seconds and tenths. */
  function clock(seconds) {
    const tenths = Math.round(seconds * 10);
    const rest = ((tenths % 600) / 10).toFixed(1).padStart(4, "0");
    return `${Math.floor(tenths / 600)}:${rest}`;
  }

  Object.assign(window.Almbench, {
    ...{ tr, make, takeData, receive, request, copied },
    ...{ random, shuffled, byGuessing, letter, decibels, clock },
  });
})();
