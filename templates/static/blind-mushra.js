/* MUSHRA, following Recommendation ITU-R BS.1534-3: rate how near each stimulus comes to the reference;
   one of them is the reference itself, others are its low-pass anchors. */

"use strict";

(() => {
  const { Test, find, make, press, shuffled, takeData, tr } = window.Almbench;
  const WORDS = [tr("Bad"), tr("Poor"), tr("Fair"), tr("Good"), tr("Excellent")];
  const MIDDLE = 50;

  const word = (score) => WORDS[Math.min(WORDS.length - 1, Math.floor(score / 20))];
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

  class Mushra {
    #practice = null; // a trial that is not kept

    constructor(data) {
      this.data = data;
      this.test = new Test(data, this);
      const { sound } = this.test;
      find("reference").onclick = () => this.#hear(0);
      find("next").onclick = () => this.#next();
      sound.onheard = (version) => this.#heard(version);
      sound.onchange = () => this.#draw();
      const digits = Array.from({ length: 9 }, (_, i) => [i + 1, () => this.#hear(i + 1)]);
      this.test.keys("trial", {
        ...Object.fromEntries(digits),
        0: () => this.#hear(0),
        r: () => this.#hear(0),
        n: () => this.#step(1),
        p: () => this.#step(-1),
        a: () => sound.loopFrom(),
        b: () => sound.loopTo(),
      });
    }

    get #trial() {
      return this.test.trial ?? this.#practice;
    }

    /* A trial's stimuli are in the order shown; `order` says where each is in the definition. */
    #blank(clip, draw) {
      const count = this.data.clips[clip].sounds.length;
      const order = shuffled(count, draw);
      return {
        clip,
        order,
        scores: Array(count).fill(null),
        plays: Array(count).fill(0),
        seconds: 0,
      };
    }

    /* A copy with the stimuli the other way round, so that the training gives no trial away. */
    #turned(trial) {
      return { ...structuredClone(trial), order: [...trial.order].reverse() };
    }

    begin(state, draw) {
      state.at = -1; // the training comes first
      const order = shuffled(this.data.clips.length, draw);
      state.trials = order.map((clip) => this.#blank(clip, draw));
    }

    place(at, trials) {
      return at < 0
        ? tr("the training")
        : tr("clip {number} of {count}", { number: at + 1, count: trials.length });
    }

    enter() {
      const { at, trials } = this.test.state;
      const training = at < 0;
      if (training) this.#practice = this.#turned(trials.at(-1));
      const { clip, order, scores } = this.#trial;
      const { sounds, reference } = this.data.clips[clip];
      this.test.sound.open([sounds[reference], ...order.map((i) => sounds[i])]);
      this.#lay(order.length);
      scores.forEach((score, i) => this.#show(i, score));
      find("missing").textContent = "";
      for (const part of document.querySelectorAll("[data-when]")) {
        part.hidden = part.dataset.when !== (training ? "training" : "rating");
      }
      find("next").textContent = training
        ? tr("Start rating")
        : at + 1 < trials.length
          ? tr("Next clip")
          : tr("Finish");
      this.#complete();
      this.test.show(
        "trial",
        training
          ? tr("Training")
          : tr("Clip {number} of {count}", { number: at + 1, count: trials.length }),
      );
    }

    /* A row for each stimulus: a button that plays it, and its slider. */
    #lay(count) {
      this.rows = Array.from({ length: count }, (_, i) => {
        const name = tr("Stimulus {number}", { number: i + 1 });
        const button = make("button", { type: "button" }, String(i + 1));
        button.setAttribute("aria-label", tr("Play stimulus {number}", { number: i + 1 }));
        button.onclick = () => this.#hear(i + 1);
        const slider = make("input", { type: "range", min: 0, max: 100, step: 1 });
        slider.setAttribute("aria-label", name);
        slider.oninput = () => this.#rate(i, slider);
        // Left where it stands, by a click or by Enter, it is rated too.
        slider.onpointerup = () => this.#rate(i, slider);
        slider.onkeydown = ({ key }) => {
          if (key === "Enter") this.#rate(i, slider);
        };
        return { button, slider, score: make("output") };
      });
      find("stimuli").replaceChildren(
        ...this.rows.map(({ button, slider, score }) =>
          make("li", {}, button, make("div", { className: "track" }, slider), score),
        ),
      );
      this.buttons = [find("reference"), ...this.rows.map(({ button }) => button)];
      this.#draw();
    }

    #hear(version) {
      if (version > this.rows.length) return;
      // So that the arrow keys rate what is heard.
      (version ? this.rows[version - 1].slider : find("reference")).focus();
      this.test.sound.hear(version);
    }

    #step(by) {
      const count = this.rows.length + 1;
      this.#hear((this.test.sound.player.selected + by + count) % count);
    }

    #heard(version) {
      if (!this.rows || this.test.state.finished) return;
      if (version > 0) this.#trial.plays[version - 1] += 1;
      this.#complete();
      this.test.keep();
    }

    #rate(i, slider) {
      this.#trial.scores[i] = Number(slider.value);
      this.#show(i, this.#trial.scores[i]);
      this.#complete();
      this.test.keep();
    }

    #show(i, score) {
      const { slider, score: output } = this.rows[i];
      slider.value = score ?? MIDDLE;
      slider.classList.toggle("unrated", score === null);
      slider.setAttribute(
        "aria-valuetext",
        score === null ? tr("not rated") : `${score}, ${word(score)}`,
      );
      output.textContent = score ?? "–";
    }

    /* What is still to be done, in words; "" when all is. */
    get #missing() {
      if (this.test.state.at < 0) return "";
      const { plays, scores } = this.#trial;
      const where = (list, open) =>
        list.flatMap((value, i) => (open(value) ? [i + 1] : [])).join(", ");
      const unheard = where(plays, (count) => count === 0);
      const unrated = where(scores, (score) => score === null);
      const parts = [
        unheard && tr("play {numbers}", { numbers: unheard }),
        unrated && tr("rate {numbers}", { numbers: unrated }),
      ].filter(Boolean);
      return parts.length ? tr("Still to do: {parts}.", { parts: parts.join("; ") }) : "";
    }

    #complete() {
      const missing = this.#missing;
      find("next").setAttribute("aria-disabled", String(Boolean(missing)));
      if (find("missing").textContent) find("missing").textContent = missing;
    }

    #next() {
      const missing = this.#missing;
      find("missing").textContent = missing;
      if (!missing) this.test.next();
    }

    #draw() {
      const { sound } = this.test;
      if (this.rows) press(this.buttons, sound.playing ? sound.player.selected : -1);
    }

    outcome(state, { stimuli }) {
      const trials = state.trials.map(({ clip, order, scores, plays, seconds }) => ({
        clip: this.data.clips[clip].clip,
        seconds: Number(seconds.toFixed(3)),
        ratings: order.map((of, i) => ({
          ...stimuli[clip][of],
          score: scores[i],
          plays: plays[i],
        })),
      }));
      return { trials };
    }

    reveal({ trials }, { left_out: leftOut }) {
      const systems = new Map();
      for (const { ratings } of trials) {
        for (const { system, label, role, score } of ratings) {
          if (!systems.has(system)) systems.set(system, { label, role, scores: [] });
          systems.get(system).scores.push(score);
        }
      }
      const lines = [...systems.values()].sort((x, y) => mean(y.scores) - mean(x.scores));
      const cell = (text) => make("td", { className: "num" }, text);
      const rows = lines.map(({ label, role, scores }) => {
        const kind = { reference: tr("the hidden reference"), anchor: tr("anchor"), system: "" }[
          role
        ];
        const name = make("th", { scope: "row" }, make("bdi", {}, label));
        if (kind) name.append(make("span", { className: "unit" }, kind));
        return make("tr", {}, name, cell(mean(scores).toFixed(1)), ...scores.map(cell));
      });
      const heads = [
        tr("System"),
        tr("Mean"),
        ...trials.map((_, i) => tr("Clip {number}", { number: i + 1 })),
      ].map((text, i) => make("th", { scope: "col", className: i ? "num" : "" }, text));
      const table = make(
        "table",
        {},
        make("caption", {}, tr("Your ratings, the best first")),
        make("thead", {}, make("tr", {}, ...heads)),
        make("tbody", {}, ...rows),
      );
      const frame = make("div", { className: "scroller", tabIndex: 0, role: "region" }, table);
      frame.setAttribute("aria-label", tr("Your ratings"));
      const { referenceScore, maxBelow } = find("stimuli").dataset;
      const ofReference = lines.find(({ role }) => role === "reference").scores;
      const low = ofReference.filter((score) => score < Number(referenceScore));
      const parts = [
        make(
          "p",
          {},
          tr(
            "You gave the hidden reference less than {score} on {low} of {count} clips. Results with more than {most} % of such clips are left out of an analysis following ITU-R BS.1534-3.",
            { score: referenceScore, low: low.length, count: trials.length, most: maxBelow },
          ),
        ),
        frame,
      ];
      if (leftOut.length) {
        const names = leftOut.flatMap((label, i) => [i ? ", " : "", make("bdi", {}, label)]);
        parts.push(make("p", { className: "fine" }, tr("Not in this test:"), " ", ...names, "."));
      }
      return parts;
    }
  }

  new Mushra(takeData());
})();
