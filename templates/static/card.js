/* The card of a clip: its picture with the place in it, the transport, all its versions with all scores. */

"use strict";

window.Almbench = window.Almbench || {};

(() => {
  const { clock, decibels, make, tr } = window.Almbench;
  const PARTS = [
    "view",
    "picture",
    "codes",
    "coded",
    "band",
    "cursor",
    "play",
    "time",
    "a",
    "b",
    "loop",
    "copy",
  ];
  let cards = 0; // names of groups of radio buttons

  /* The name of a system, with its bitrate and, for anchors, that it is one. */
  function nameOf({ label, rate, anchor, own }) {
    const name = make("span", {}, make("bdi", {}, label));
    if (rate) name.append(" ", make("span", { className: "of" }, rate));
    if (anchor) name.append(" ", make("span", { className: "of" }, tr("anchor")));
    if (own) name.append(" ", make("span", { className: "own", ariaHidden: "true" }, "◆"));
    return name;
  }

  /* The key that chooses the i-th version. */
  function keyOf(i) {
    if (i > 19) return "";
    return i > 9 ? `⇧${i - 10}` : String(i);
  }

  class Card {
    constructor(deck, clip, actions) {
      Object.assign(this, {
        deck,
        clip,
        actions,
        group: `version-${cards++}`,
        details: null,
      });
      const template = document.getElementById("card-template");
      this.element = template.content.firstElementChild.cloneNode(true);
      for (const name of [...PARTS, "download", "embed", "warn", "choice", "notes"])
        this[name] = this.element.querySelector(`.${name}`);
      this.range = this.element.querySelector("input[type=range]");
      this.#listen();
      this.draw();
      this.loaded = this.#load();
    }

    async #load() {
      try {
        this.details = await this.clip.details();
      } catch (error) {
        this.clip.warning = error.message;
      }
      this.blind = null;
      this.draw();
    }

    #listen() {
      const { deck, clip } = this;
      this.play.onclick = () => deck.toggle(clip);
      this.range.oninput = () => deck.seek(clip, Number(this.range.value));
      this.view.onclick = (event) => {
        const box = this.view.getBoundingClientRect();
        deck.seek(clip, ((event.clientX - box.left) / box.width) * clip.duration);
      };
      this.a.onclick = () => deck.setEnd(clip, 0);
      this.b.onclick = () => deck.setEnd(clip, 1);
      this.loop.onclick = () => deck.toggleLoop(clip);
      this.copy.onclick = () => this.actions.copy();
      this.embed.onclick = () => this.actions.embed(clip);
    }

    /* The versions: by name with all scores, or by letters alone. */
    #list() {
      const { deck, clip } = this;
      this.blind = deck.blind;
      this.radios = new Map();
      this.rows = new Map();
      const waits = !this.details && !deck.blind && !clip.warning;
      this.choice.style.minHeight = waits ? `${1.75 * clip.set.systems.length + 3.5}rem` : "";
      if (waits) return; // in room enough, so that nothing moves when it comes
      const rows = deck.order(clip).map((version, i) => this.#row(version, i));
      if (deck.blind) {
        const letters = make("div", { className: "letters" }, ...rows);
        letters.setAttribute("role", "radiogroup");
        letters.setAttribute("aria-label", tr("Version, names hidden"));
        this.choice.replaceChildren(letters);
        this.notes.replaceChildren();
        return;
      }
      const caption = tr("{clip}: one row per version, with its scores", {
        clip: clip.id,
      });
      const table = make(
        "table",
        { className: "versions" },
        make("caption", { className: "unseen" }, caption),
        make("thead", {}, this.#head()),
        make("tbody", {}, ...rows),
      );
      const frame = make("div", { className: "frame", tabIndex: 0 }, table);
      frame.setAttribute("role", "group");
      frame.setAttribute("aria-label", tr("{clip}: versions and scores", { clip: clip.id }));
      this.choice.replaceChildren(frame);
      this.notes.replaceChildren(...this.#notes(), ...this.#views());
    }

    #head() {
      const heads = [
        tr("Version"),
        tr("Gain, dB"),
        ...(this.#measured ? [tr("measured kbps")] : []),
      ];
      const row = make("tr", {}, ...heads.map((text) => make("th", { scope: "col" }, text)));
      for (const { label, arrow, unit } of this.clip.set.metrics) {
        const head = make("th", { scope: "col" }, label);
        if (arrow) head.append("\u00a0", make("span", { ariaHidden: "true" }, arrow));
        if (unit) head.append(" ", make("span", { className: "of" }, unit));
        row.append(head);
      }
      return row;
    }

    get #measured() {
      return this.details?.versions.some((version) => version.measured);
    }

    #row(version, i) {
      const { deck, clip } = this;
      const radio = make("input", { type: "radio", name: this.group });
      radio.onchange = () => deck.select(clip, version);
      this.radios.set(version, radio);
      const key = make("kbd", { ariaHidden: "true" }, keyOf(i));
      if (deck.blind) return make("label", {}, radio, key, deck.label(clip, version));
      const name = nameOf(clip.set.systems[version]);
      const was = deck.was(clip, version);
      if (was)
        name.append(make("span", { className: "was" }, ` ${tr("was {letter}", { letter: was })}`));
      const facts = this.details?.versions[version] ?? {
        reason: clip.silent[version],
      };
      const row = make("tr");
      this.rows.set(version, row);
      if (!clip.heard.includes(version)) {
        const head = make("th", { scope: "row" }, name);
        const columns = clip.set.metrics.length + (this.#measured ? 2 : 1);
        const why = make("bdi", {}, facts.reason ?? "");
        const cell = make("td", { className: "none", colSpan: columns }, tr("No sound:"), " ", why);
        row.append(head, cell);
        return row;
      }
      row.append(make("th", { scope: "row" }, make("label", {}, radio, key, name)), make("td"));
      if (this.#measured) row.append(make("td", {}, facts.measured));
      for (const i of clip.set.metrics.keys()) row.append(score(facts.scores?.[i]));
      row.onclick = (event) => event.target.closest("label") || radio.click();
      return row;
    }

    #notes() {
      if (!this.details) return [];
      const { systems } = this.clip.set;
      const notes = this.details.versions.flatMap(({ note }, i) =>
        note ? [make("p", { className: "fine" }, nameOf(systems[i]), ": ", note)] : [],
      );
      for (const [words, changed] of this.details.changes) {
        const names = changed.map((i) => this.deck.label(this.clip, i)).join("; ");
        const first = words[0].toUpperCase() + words.slice(1);
        const rest = tr(
          "{change} for playing in step: {names}. The scores are of the sounds as they were stored.",
          { change: first, names },
        );
        notes.push(make("p", { className: "fine" }, rest));
      }
      if (notes.length < 2) return notes;
      const summary = make(
        "summary",
        {},
        tr("{count} notes on these sounds", { count: notes.length }),
      );
      return [make("details", { className: "views" }, summary, ...notes)];
    }

    #views() {
      if (!this.details || this.clip.heard.length < 2) return [];
      const grid = make("div");
      const all = make(
        "details",
        { className: "views" },
        make("summary", {}, tr("All views")),
        grid,
      );
      all.ontoggle = () => grid.childElementCount || grid.append(...this.#figures());
      return [all];
    }

    #figures() {
      const { width, height } = this.picture;
      return this.clip.heard.map((version) => {
        const src = this.details.versions[version].view;
        const image = make("img", { src, width, height, alt: "" });
        const name = nameOf(this.clip.set.systems[version]);
        const caption = make("figcaption", {}, name);
        return make("figure", {}, make("div", { className: "view" }, image), caption);
      });
    }

    draw() {
      const { deck, clip } = this;
      if (this.blind !== deck.blind) this.#list();
      const mine = deck.clip === clip;
      const playing = mine && deck.playing;
      const loading = mine && deck.loading;
      this.play.firstChild.textContent = loading
        ? tr("Loading")
        : playing
          ? tr("Pause")
          : tr("Play");
      this.play.classList.toggle("on", playing);
      this.play.setAttribute("aria-busy", loading);
      this.play.disabled = !clip.heard.length;
      this.loop.setAttribute("aria-pressed", clip.looping);
      const [start, end] = [clip.ends[0] ?? 0, clip.ends[1] ?? clip.duration];
      this.a.classList.toggle("set", clip.ends[0] !== null);
      this.b.classList.toggle("set", clip.ends[1] !== null);
      this.band.hidden = !clip.looping;
      this.band.style.left = `${(start / clip.duration) * 100}%`;
      this.band.style.width = `${((end - start) / clip.duration) * 100}%`;
      this.warn.textContent = clip.warning;
      this.#drawVersions();
      this.move();
    }

    #drawVersions() {
      const { deck, clip, details } = this;
      const radio = this.radios.get(clip.selected);
      if (radio) radio.checked = true;
      const shown = deck.blind ? 0 : clip.selected; // a picture would give the system away
      const facts = details?.versions[shown];
      if (facts?.view && this.picture.getAttribute("src") !== facts.view)
        this.picture.src = facts.view;
      this.view.classList.toggle("empty", !facts?.view);
      this.picture.alt = tr("Waveform and mel spectrogram: {system}", {
        system: deck.label(clip, shown),
      });
      this.#drawCodes(shown);
      for (const [version, row] of this.rows) {
        row.classList.toggle("chosen", version === clip.selected);
        row.classList.toggle(
          "waiting",
          deck.clip === clip && deck.ready && !deck.here(clip, version),
        );
        const gain = details?.versions[version].gain;
        if (clip.heard.includes(version))
          row.cells[1].textContent = gain == null ? "–" : decibels(deck.matched ? gain : 0);
      }
      // The file's name and place would tell, too.
      this.download.hidden = deck.blind || !details?.versions[clip.selected]?.url;
      this.embed.hidden = deck.blind;
      if (this.download.hidden) this.download.removeAttribute("href");
      else {
        this.download.href = details.versions[clip.selected].url;
        this.download.download = `${clip.id}-${clip.set.systems[clip.selected].id}.flac`;
      }
      if (deck.blind) this.download.removeAttribute("download");
    }

    /* The codes of the version that is seen, in a place that stays where others have some. */
    #drawCodes(shown) {
      const { deck, details } = this;
      const any = !deck.blind && details?.versions.some(({ codes }) => codes);
      this.codes.hidden = this.coded.hidden = !any;
      const src = (any && details.versions[shown].codes) || "";
      const picture = src || "static/favicon.svg"; // what is not seen shall not tell either
      this.codes.classList.toggle("none", !src);
      if (this.codes.getAttribute("src") !== picture) this.codes.src = picture;
      this.codes.alt = src ? tr("Codes: {system}", { system: deck.label(this.clip, shown) }) : "";
    }

    /* As the position moves on. */
    move() {
      const { position, duration } = this.clip;
      const spoken = `${Math.floor(position)} of ${Math.round(duration)} seconds`;
      this.time.textContent = `${clock(position)} / ${clock(duration)}`;
      this.range.max = duration;
      this.range.value = position;
      if (this.range.getAttribute("aria-valuetext") !== spoken)
        this.range.setAttribute("aria-valuetext", spoken);
      this.cursor.style.left = `${(position / duration) * 100}%`;
    }
  }

  /* A cell of the table of scores; where there is none, it says why. */
  function score(found) {
    if (!found) return make("td");
    const [text, reason] = found;
    if (!reason) return make("td", {}, text);
    const why = make("span", { className: "unseen" }, ` (${reason})`);
    return make("td", { title: reason }, "–", why);
  }

  Object.assign(window.Almbench, { Card, nameOf, keyOf });
})();
