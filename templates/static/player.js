/* Makes each clip's table of plain players into one player of all its versions (see engine.js).

   The page works without: this script only takes over where sounds can be fetched and decoded. */

"use strict";

(() => {
  const { Engine, clock, decibels, letter, make, random, shuffled } = window.Almbench;
  if (!Engine.available) return; // the plain players stay

  const STEP = 1; // seconds of an arrow key
  const BIG_STEP = 5;
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  const status = document.getElementById("said");

  const say = (text) => (status.textContent = text);
  const lot = random(Math.floor(Math.random() * 2 ** 32));
  const keyHint = (i) => make("kbd", { ariaHidden: "true" }, i > 9 ? "" : String(i));

  /* One clip: its versions, its place in time and its loop, which outlive the sound in memory. */
  class Card {
    constructor(element, number, deck) {
      [this.element, this.deck, this.name] = [element, deck, `version-${number}`];
      [this.position, this.selected, this.looping, this.loading] = [0, 0, false, false];
      this.ends = [null, null];
      this.choice = element.querySelector(".choice");
      this.#buildTransport();
      this.#buildChoice();
      this.reveal();
    }

    get loaded() {
      return this.deck.current === this && !this.loading;
    }

    #buildTransport() {
      const stage = this.element.querySelector(".stage");
      stage.append(document.getElementById("transport").content.cloneNode(true));
      for (const name of [
        "play",
        "time",
        "a",
        "b",
        "loop",
        "match",
        "blind",
        "help",
        "warn",
        "view",
      ]) {
        this[name] = stage.querySelector(`.${name}`);
      }
      this.range = stage.querySelector("input[type=range]");
      this.range.max = this.duration = Number(this.element.dataset.seconds);
      this.cursor = make("div", { className: "cursor" });
      this.band = make("div", { className: "band", hidden: true });
      this.image = this.view.querySelector("img");
      this.view.append(this.band, this.cursor);

      this.play.onclick = () => this.deck.toggle(this);
      this.range.oninput = () => this.seek(Number(this.range.value));
      this.view.onclick = (event) => {
        const box = this.view.getBoundingClientRect();
        this.seek(((event.clientX - box.left) / box.width) * this.duration);
      };
      this.a.onclick = () => this.setEnd(0);
      this.b.onclick = () => this.setEnd(1);
      this.loop.onclick = () => this.toggleLoop();
      this.match.onchange = () => this.deck.match(this.match.checked);
      this.blind.onclick = () => this.deck.toggleBlind();
      this.help.onclick = () => this.deck.showHelp();
    }

    #buildChoice() {
      const frame = this.choice.querySelector(".frame");
      frame.querySelector("thead th:nth-child(2)").textContent = "Gain, dB";
      this.versions = [...frame.querySelectorAll("tr:has(audio)")].map((row, i) => {
        const [head, cell] = row.cells;
        const name = head.textContent.trim();
        const radio = this.#radio(i);
        const words = make("span", {}, ...head.childNodes);
        head.replaceChildren(make("label", {}, radio, keyHint(i), words));
        const url = cell.querySelector("audio").src;
        cell.replaceChildren();
        row.onclick = (event) => event.target.closest("label") || radio.click();
        const { view } = row.dataset;
        const db = row.dataset.gain ? Number(row.dataset.gain) : null;
        return { row, cell, radio, name, url, view, db, gain: 10 ** ((db ?? 0) / 20) };
      });
    }

    #radio(index) {
      const radio = make("input", { type: "radio", name: this.name });
      radio.onchange = () => this.select(index);
      return radio;
    }

    /* Names and scores leave the page; the original stays known, as what to compare with. */
    hide() {
      this.order = [0, ...shuffled(this.versions.length - 1, lot).map((i) => i + 1)];
      this.labels = new Map(this.order.map((index, i) => [index, i ? letter(i - 1) : "Original"]));
      this.radios = new Map(this.order.map((index) => [index, this.#radio(index)]));
      const labels = this.order.map((index, i) =>
        make("label", {}, this.radios.get(index), keyHint(i), this.labels.get(index)),
      );
      const choices = make("div", { className: "letters" }, ...labels);
      choices.setAttribute("role", "radiogroup");
      choices.setAttribute("aria-label", "Version, names hidden");
      this.named = [...this.choice.childNodes];
      this.choice.replaceChildren(choices);
      this.select(0, false); // what was chosen by name must not be known by its letter
    }

    reveal() {
      if (this.named) this.choice.replaceChildren(...this.named);
      this.versions.forEach(({ row, radio }, i) => {
        row.querySelector(".was")?.remove();
        if (!i || !this.labels) return;
        const was = make("span", { className: "was" }, ` was ${this.labels.get(i)}`);
        radio.parentElement.lastChild.append(was);
      });
      this.order = [...this.versions.keys()];
      this.labels = new Map(this.versions.map((v, i) => [i, v.name]));
      this.radios = new Map(this.versions.map((v, i) => [i, v.radio]));
      this.draw();
    }

    select(index, aloud = true) {
      if (!(index in this.versions)) return;
      this.selected = index;
      if (this.loaded) this.deck.engine.select(index);
      if (aloud) say(this.labels.get(index));
      this.draw();
    }

    seek(seconds) {
      this.position = Math.min(Math.max(seconds, 0), this.duration);
      if (this.loaded) this.deck.engine.seek(this.position);
      this.draw();
    }

    setEnd(which) {
      this.#keepPosition();
      this.ends[which] = this.position;
      if (which === 0 && this.ends[1] !== null && this.ends[1] <= this.position)
        this.ends[1] = null;
      if (which === 1 && (this.ends[0] ?? 0) >= this.position) this.ends[0] = null;
      this.looping = this.ends[1] !== null;
      this.#applyLoop();
      say(`Loop ${which ? "ends" : "begins"} at ${this.ends[which].toFixed(1)} seconds`);
    }

    toggleLoop() {
      this.looping = !this.looping;
      this.#applyLoop();
      say(this.looping ? "Loop on" : "Loop off");
    }

    #applyLoop() {
      if (this.loaded) {
        const { engine } = this.deck;
        if (this.looping) engine.setLoop(this.ends[0] ?? 0, this.ends[1] ?? this.duration);
        else engine.clearLoop();
        if (engine.loop) this.ends = engine.loop;
      }
      this.draw();
    }

    #keepPosition() {
      if (this.loaded) this.position = this.deck.engine.position;
    }

    /* The sound is in memory: go on as it was left. */
    enter() {
      const { engine } = this.deck;
      const { position } = this;
      this.range.max = this.duration = engine.duration;
      engine.select(this.selected);
      this.#applyLoop();
      engine.seek(position < this.duration ? position : 0);
    }

    leave() {
      this.#keepPosition();
    }

    draw() {
      const { engine, blind, matched } = this.deck;
      const playing = this.loaded && engine.playing;
      this.play.firstChild.textContent = this.loading ? "Loading" : playing ? "Pause" : "Play";
      this.play.classList.toggle("on", playing);
      this.play.setAttribute("aria-busy", this.loading);
      this.loop.setAttribute("aria-pressed", this.looping);
      this.blind.setAttribute("aria-pressed", blind);
      this.match.checked = matched;
      const [start, end] = [this.ends[0] ?? 0, this.ends[1] ?? this.duration];
      this.a.classList.toggle("set", this.ends[0] !== null);
      this.b.classList.toggle("set", this.ends[1] !== null);
      this.band.hidden = !this.looping;
      this.band.style.left = `${(start / this.duration) * 100}%`;
      this.band.style.width = `${((end - start) / this.duration) * 100}%`;
      this.radios.get(this.selected).checked = true;
      const shown = blind ? 0 : this.selected; // a picture would give the system away
      const { view } = this.versions[shown];
      if (this.image.getAttribute("src") !== view) this.image.src = view;
      this.image.alt = `Waveform and mel spectrogram: ${this.labels.get(shown)}`;
      this.versions.forEach(({ row, cell, db }, i) => {
        row.classList.toggle("chosen", i === this.selected);
        row.classList.toggle("waiting", this.loaded && !engine.has(i));
        cell.textContent = db === null ? "–" : decibels(matched ? db : 0);
      });
      this.drawTime();
    }

    drawTime() {
      this.#keepPosition();
      const spoken = `${Math.floor(this.position)} of ${Math.round(this.duration)} seconds`;
      this.time.textContent = `${clock(this.position)} / ${clock(this.duration)}`;
      this.range.value = this.position;
      if (this.range.getAttribute("aria-valuetext") !== spoken)
        this.range.setAttribute("aria-valuetext", spoken);
      this.cursor.style.left = `${(this.position / this.duration) * 100}%`;
    }
  }

  /* All clips of the page: one engine, so one clip in memory; one of them may have the keys. */
  class Deck {
    constructor(elements) {
      [this.current, this.chosen, this.blind, this.matched] = [null, null, false, true];
      this.engine = new Engine();
      this.engine.onchange = () => this.#changed();
      this.engine.onerror = (error) => (this.current.warn.textContent = error.message);
      this.help = document.getElementById("help");
      this.keysOn = document.getElementById("keys-on");
      document.getElementById("help-close").onclick = () => this.help.close();
      this.cards = elements.map((element, i) => new Card(element, i, this));
      const choose = (event) => {
        if (this.help.contains(event.target)) return;
        this.#choose(this.cards.find((card) => card.element.contains(event.target)) ?? null);
      };
      this.#choose(this.cards[0] ?? null); // so that the keys answer before anything is clicked
      document.addEventListener("pointerdown", choose);
      document.addEventListener("focusin", choose);
      document.addEventListener("keydown", (event) => this.#key(event));
    }

    async toggle(card) {
      if (card.loading) this.engine.free();
      else if (card === this.current) this.engine.toggle();
      else await this.#load(card);
    }

    async #load(card) {
      this.current?.leave();
      const before = this.current;
      [this.current, card.loading, card.warn.textContent] = [card, true, ""];
      before?.draw();
      card.draw();
      try {
        await this.engine.load(card.versions, card.selected);
        card.loading = false;
        card.enter();
        this.engine.play();
      } catch (error) {
        card.loading = false;
        if (this.current === card) this.current = null;
        if (error.name !== "AbortError") card.warn.textContent = error.message;
        card.draw();
      }
    }

    match(on) {
      this.matched = on;
      this.engine.matchLoudness(on);
      this.cards.forEach((card) => card.draw());
      say(on ? "Loudness matched" : "Loudness as made");
    }

    toggleBlind() {
      this.blind = !this.blind;
      this.cards.forEach((card) => (this.blind ? card.hide() : card.reveal()));
      say(this.blind ? "Names hidden, order shuffled" : "Names shown");
    }

    showHelp() {
      this.help.showModal();
    }

    #choose(card) {
      this.chosen?.element.classList.remove("chosen");
      card?.element.classList.add("chosen");
      this.chosen = card;
    }

    #changed() {
      this.current?.draw();
      if (this.engine.playing) this.#follow();
    }

    #follow() {
      if (this.following) return;
      this.following = true;
      const step = () => {
        this.following = this.engine.playing;
        if (!this.following) return;
        this.current.drawTime();
        if (calm.matches) setTimeout(step, 250);
        else requestAnimationFrame(step);
      };
      step();
    }

    #key(event) {
      const card = this.chosen;
      if (!card || !this.keysOn.checked || this.help.open) return;
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      const focused = document.activeElement;
      if (focused !== document.body && !card.element.contains(focused)) return;
      // A button, box or link keeps its own keys.
      if (event.key === " " && focused.matches("button, summary, input[type=checkbox]")) return;
      if (event.key.startsWith("Arrow") && focused.matches(".frame")) return;
      const act = this.#action(event, card);
      if (!act) return;
      event.preventDefault();
      act();
    }

    #action(event, card) {
      const by = event.shiftKey ? BIG_STEP : STEP;
      const { key } = event;
      if (/^[0-9]$/.test(key)) return () => card.select(card.order[Number(key)]);
      const move = (seconds) => () => {
        card.drawTime();
        card.seek(card.position + seconds);
      };
      return {
        " ": () => this.toggle(card),
        arrowleft: move(-by),
        arrowright: move(by),
        a: () => card.setEnd(0),
        b: () => card.setEnd(1),
        l: () => card.toggleLoop(),
        m: () => this.toggleBlind(),
        "?": () => this.showHelp(),
      }[key.toLowerCase()];
    }
  }

  new Deck([...document.querySelectorAll(".card:has(audio)")]);
})();
