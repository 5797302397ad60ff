/* How the tests run the shipped scripts: alone, or with a page of a site that almbench has built. */

import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach } from "node:test";
import { fileURLToPath } from "node:url";
import vm from "node:vm";
import * as webAudio from "node-web-audio-api";
import { JSDOM, ResourceLoader, VirtualConsole } from "jsdom";

const STATIC = fileURLToPath(new URL("../../templates/static/", import.meta.url));
export const SITE = process.env.ALMBENCH_SITE;
export const NEEDS_SITE = {
  skip: SITE ? false : "ALMBENCH_SITE names no site; see test_scripts.py",
};

/** A window with this content, in which shipped scripts have run. */
export function open(html, ...scripts) {
  const dom = new JSDOM(html, { runScripts: "outside-only", url: "http://site/" });
  for (const name of scripts) {
    const path = join(STATIC, name);
    const script = new vm.Script(readFileSync(path, "utf8"), { filename: path });
    script.runInContext(dom.getInternalVMContext());
  }
  return dom.window;
}

/* What would keep the process alive: windows where a sound plays on, and audio contexts. */
const windows = [];
const contexts = [];

afterEach(() => {
  for (const one of windows) one.requestAnimationFrame = () => 0;
});
after(() => Promise.all(contexts.map((one) => one.close())));

/* The speakers of a machine that has none. */
class AudioContext extends webAudio.AudioContext {
  constructor(options) {
    super({ ...options, sinkId: { type: "none" } });
    contexts.push(this);
  }
}

class SiteLoader extends ResourceLoader {
  fetch(url) {
    if (url.endsWith(".css")) return null;
    return readFile(join(SITE, decodeURIComponent(new URL(url).pathname)));
  }
}

/** A page of the built site, with its own scripts, as a server would give it. */
export async function visit(name, { store = {}, hash = "", prepare = () => {} } = {}) {
  const faults = new VirtualConsole();
  const errors = [];
  faults.on("jsdomError", (error) => error.type === "resource loading" || errors.push(error));
  const dom = new JSDOM(readFileSync(join(SITE, name), "utf8"), {
    url: `http://site/${name}${hash}`,
    runScripts: "dangerously",
    pretendToBeVisual: true,
    resources: new SiteLoader(),
    virtualConsole: faults,
    beforeParse(window) {
      // The browser's parts that jsdom has not: media queries, Web Audio, fetching.
      Object.assign(window, webAudio, { AudioContext, Float32Array, structuredClone });
      window.fetch = async (url, { signal } = {}) => {
        signal?.throwIfAborted();
        return new Response(readFileSync(join(SITE, url.replace("http://site/", ""))));
      };
      window.matchMedia = () => ({ matches: false });
      window.scrollTo = window.scrollBy = window.Element.prototype.scrollIntoView = () => {};
      window.ResizeObserver = class {
        observe() {}
      };
      for (const [key, value] of Object.entries(store)) window.localStorage.setItem(key, value);
      prepare(window);
    },
  });
  windows.push(dom.window);
  await new Promise((resolve) => dom.window.addEventListener("load", resolve));
  if (errors.length) throw errors[0];
  return dom.window;
}

/** Wait until something holds. */
export async function until(holds) {
  for (let i = 0; i < 300; i++) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`It does not come to be: ${holds}`);
}

/** Press a key where the focus is, or on an element. */
export function press(window, key, { target = window.document.activeElement, ...facts } = {}) {
  const event = new window.KeyboardEvent("keydown", {
    key,
    bubbles: true,
    cancelable: true,
    ...facts,
  });
  target.dispatchEvent(event);
  return event.defaultPrevented;
}
