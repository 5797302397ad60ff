/* What both blind tests share: the order drawn from a seed, progress that outlives a reload, the
   screens, the keys and the result.

   What names a system lies in a script of its own, the key, which is read when it is needed and
   then taken out of the page again. */

"use strict";

window.Almbench = window.Almbench || {};

(() => {
  const { make, random, tr } = window.Almbench;
  const find = (id) => document.getElementById(id);

  function digits16() {
    const bytes = crypto.getRandomValues(new Uint8Array(8));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  /* The browser's store; some browsers forbid it, then a reload starts anew. Another form of what is
     kept takes another prefix. */
  const PREFIX = "almbench-1";
  const store = {
    read(name) {
      try {
        return JSON.parse(localStorage.getItem(`${PREFIX}:${name}`));
      } catch {
        return null;
      }
    },
    write(name, value) {
      try {
        localStorage.setItem(`${PREFIX}:${name}`, JSON.stringify(value));
        return true;
      } catch {
        return false;
      }
    },
    remove(name) {
      try {
        localStorage.removeItem(`${PREFIX}:${name}`);
      } catch {
        // There is nothing to remove.
      }
    },
  };

  /** Read what names the systems of a test. */
  function readKey(test) {
    return new Promise((resolve, reject) => {
      const script = make("script", { src: `tests/${test}.key.js` });
      script.onload = () => {
        const { key } = window.Almbench;
        delete window.Almbench.key;
        script.remove();
        resolve(key);
      };
      script.onerror = () => {
        script.remove();
        reject(
          new Error(tr("The names of the systems could not be loaded. Is the connection up?")),
        );
      };
      document.head.append(script);
    });
  }

  /**
   * A test from its start to its result. What differs between ABX and MUSHRA is in `parts`:
   * `begin(state)` adds what the start form says, `enter()` shows the trial that is due,
   * `outcome(state, key)` gives the fields of the result, `reveal(result, key)` shows it.
   */
  class Test {
    #since = 0;

    constructor(data, parts) {
      [this.data, this.parts] = [data, parts];
      this.name = `${data.kind}:${data.test}`;
      this.state = store.read(this.name);
      this.sound = new window.Almbench.Sound(find("sound"));
      this.#wire();
      find("test").hidden = false;
      find("plain").hidden = this.sound.synchronous;
      this.#welcome();
    }

    /** What is kept of the trial that is due; nothing while training. */
    get trial() {
      return this.state.trials[this.state.at];
    }

    /** Keep the progress. */
    keep() {
      const now = performance.now();
      if (this.trial) this.trial.seconds += (now - this.#since) / 1000;
      this.#since = now;
      find("unkept").hidden = store.write(this.name, this.state);
    }

    /** Show a screen, and nothing else; its heading takes the focus. */
    show(id, heading) {
      for (const screen of document.querySelectorAll("#test > section")) {
        screen.hidden = screen.id !== id;
      }
      const title = find(id).querySelector("h2");
      if (heading) title.textContent = heading;
      this.#since = performance.now();
      title.focus();
      scrollTo(0, 0);
    }

    /** Go on to the next trial, or to the result after the last. */
    next() {
      this.keep();
      this.state.at += 1;
      if (this.state.at === this.state.trials.length) this.#finish();
      else this.#enter();
    }

    /** Keys that act while the focus is on a screen of the test, but not in a field for text. */
    keys(id, acts) {
      const common = {
        " ": () => this.sound.toggle(),
        l: () => this.sound.toggleRepeat(),
        ArrowLeft: () => this.sound.move(-1),
        ArrowRight: () => this.sound.move(1),
      };
      const all = { ...common, ...acts };
      find(id).addEventListener("keydown", (event) => {
        const { key, target } = event;
        if (event.ctrlKey || event.altKey || event.metaKey) return;
        const name = key.length === 1 ? key.toLowerCase() : key;
        if (!Object.hasOwn(all, name) || ownKey(target, name)) return;
        event.preventDefault();
        all[name]();
      });
    }

    #wire() {
      find("start").onsubmit = (event) => {
        event.preventDefault();
        this.#start();
      };
      find("continue").onclick = () => (this.state.finished ? this.#finish() : this.#enter());
      for (const button of document.querySelectorAll("[data-again]")) {
        button.onclick = () => this.#again(button.dataset.again);
      }
      find("volume").onclick = () => this.#sample();
      find("copy").onclick = () => this.#copy();
      find("send").onclick = () => this.#send();
    }

    async #sample() {
      const { sound } = this;
      if (sound.playing) sound.pause();
      else if (await sound.open(this.data.volume)) sound.hear(0);
      find("volume-message").textContent = sound.parts.message.textContent;
    }

    #welcome() {
      const { state } = this;
      find("start").hidden = Boolean(state);
      find("resume").hidden = !state;
      if (!state) return;
      const { at, trials, finished } = state;
      find("so-far").textContent = finished
        ? tr("You have finished this test in this browser.")
        : tr("You have begun this test in this browser and got as far as {place}.", {
            place: this.parts.place(at, trials),
          });
      find("continue").textContent = finished ? tr("Show the result") : tr("Continue");
    }

    #start() {
      const seed = crypto.getRandomValues(new Uint32Array(1))[0];
      const listener = store.read("listener") ?? digits16();
      store.write("listener", listener);
      this.state = {
        seed,
        listener,
        name: find("name").value.trim(),
        equipment: find("equipment").value.trim(),
        started: new Date().toISOString(),
        finished: null,
        at: 0,
        trials: [],
      };
      this.parts.begin(this.state, random(seed));
      this.#enter();
    }

    #enter() {
      find("seed").textContent = this.state.seed;
      find("progress").hidden = false;
      this.parts.enter();
      this.keep();
    }

    #again(question) {
      if (question && !confirm(question)) return;
      store.remove(this.name);
      location.reload();
    }

    async #finish() {
      this.sound.pause();
      this.state.at = this.state.trials.length;
      this.state.finished ??= new Date().toISOString();
      this.keep();
      this.show("result");
      let key;
      try {
        key = await readKey(this.data.test);
      } catch (error) {
        find("outcome").replaceChildren(make("p", { className: "warn" }, error.message));
        return;
      }
      this.#present(this.#result(key), key);
    }

    #result(key) {
      const { seed, listener, name, equipment, started, finished } = this.state;
      const { kind, test, title, domain } = this.data;
      return {
        format: "almbench-listening-1",
        ...{ kind, test, title, domain, listener, name, seed, started, finished, equipment },
        ...this.parts.outcome(this.state, key),
      };
    }

    #present(result, key) {
      this.text = `${JSON.stringify(result, null, 1)}\n`;
      find("json").value = this.text;
      const blob = new Blob([this.text], { type: "application/json" });
      const save = find("save");
      save.href = URL.createObjectURL(blob);
      save.download = `${result.kind}-${result.domain}-${result.listener}-${result.seed}.json`;
      find("outcome").replaceChildren(...this.parts.reveal(result, key));
      find("keep").hidden = false;
      if (this.data.post && !this.state.sent) this.#send();
    }

    async #copy() {
      const json = find("json");
      let done = true;
      try {
        await navigator.clipboard.writeText(this.text);
      } catch {
        find("raw").open = true;
        json.select();
        done = document.execCommand("copy"); // where the clipboard is closed to the page
      }
      find("told").textContent = done ? tr("Copied.") : tr("Please copy the text below by hand.");
    }

    async #send() {
      const told = find("told");
      const { post } = this.data;
      find("send").hidden = true;
      told.textContent = tr("Sending the result …");
      try {
        const headers = { "Content-Type": "application/json" };
        const answer = await fetch(post, { method: "POST", headers, body: this.text });
        await answer.text(); // left unread, it would be broken off
        if (!answer.ok) throw new Error(`status ${answer.status}`);
        this.state.sent = true;
        this.keep();
        told.textContent = tr("The result was sent to {host}. Thank you.", {
          host: new URL(post).host,
        });
      } catch (error) {
        find("send").hidden = false;
        told.textContent = tr(
          "The result could not be sent ({reason}). Please download it and send it yourself, or try again.",
          { reason: error.message },
        );
      }
    }
  }

  /* Whether an element uses a key for itself. */
  function ownKey(target, key) {
    if (target.matches("textarea, input:not([type=range], [type=radio], [type=checkbox])"))
      return true;
    if (key.startsWith("Arrow")) return target.matches("input");
    return key === " " && target.matches("button, a, summary, input:not([type=range])");
  }

  /** Mark the button of the version that is selected. */
  function press(buttons, selected) {
    buttons.forEach((button, i) => button.setAttribute("aria-pressed", String(i === selected)));
  }

  Object.assign(window.Almbench, { Test, find, press, readKey });
})();
