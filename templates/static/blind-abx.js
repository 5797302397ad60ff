/* ABX: is X the sound A or the sound B? A number of trials that is fixed before, no running score. */

"use strict";

(() => {
  const { Test, byGuessing, find, make, press, readKey, shuffled, takeData, tr } = window.Almbench;
  const NAMES = ["A", "B", "X"];

  class Abx {
    constructor(data) {
      this.data = data;
      this.test = new Test(data, this);
      this.buttons = NAMES.map((name) => find(`play-${name}`));
      this.buttons.forEach((button, i) => (button.onclick = () => this.test.sound.hear(i)));
      this.answers = ["a", "b"].map((name) => find(`answer-${name}`));
      this.answers.forEach((radio) => (radio.onchange = () => this.#answer(radio.value)));
      find("answer").onsubmit = (event) => {
        event.preventDefault();
        this.#next();
      };
      this.test.sound.onheard = () => this.#heard();
      this.test.sound.onchange = () => this.#draw();
      this.test.keys("trial", {
        ...Object.fromEntries(
          NAMES.map((n, i) => [n.toLowerCase(), () => this.test.sound.hear(i)]),
        ),
        1: () => this.#answer("a"),
        2: () => this.#answer("b"),
      });
      if (!this.test.state) this.#offer();
    }

    /* The systems to choose from, by name: what is hidden is which of the two X is. */
    async #offer() {
      try {
        const { systems } = await readKey(this.data.test);
        for (const [choice, selected] of [
          ["a", 0],
          ["b", 1],
        ]) {
          const options = systems.map(
            ({ label }, i) => new Option(label, i, false, i === selected),
          );
          find(`choose-${choice}`).replaceChildren(...options);
          find(`choose-${choice}`).onchange = () => this.#check();
        }
        find("begin").disabled = false;
        this.#check();
      } catch (error) {
        find("choice-message").textContent = error.message;
      }
    }

    get #pair() {
      return ["a", "b"].map((choice) => Number(find(`choose-${choice}`).value));
    }

    /* The clips that both systems have. */
    #clips(pair) {
      const { clips } = this.data;
      return clips.flatMap((clip, i) => (pair.every((system) => clip.sounds[system]) ? [i] : []));
    }

    #check() {
      const [a, b] = this.#pair;
      const count = this.#clips([a, b]).length;
      let text = count ? "" : tr("There is no clip that both have.");
      if (a === b) text = tr("Choose two that differ.");
      find("choose-b").setCustomValidity(text);
      find("choice-message").textContent =
        text ||
        (count === 1
          ? tr("One clip, again and again.")
          : tr("{count} clips in turn, in an order drawn for you.", { count }));
    }

    begin(state, draw) {
      state.pair = this.#pair;
      state.planned = Number(new FormData(find("start")).get("planned"));
      const clips = this.#clips(state.pair);
      while (state.trials.length < state.planned) {
        for (const i of shuffled(clips.length, draw)) {
          const x = draw() < 0.5 ? "a" : "b";
          state.trials.push({
            clip: clips[i],
            x,
            answer: null,
            seconds: 0,
            plays: 0,
            knowsX: false,
          });
        }
      }
      state.trials.length = state.planned;
      for (const choice of ["a", "b"]) find(`choose-${choice}`).replaceChildren(); // no name stays
    }

    place(at, trials) {
      return tr("trial {number} of {count}", { number: at + 1, count: trials.length });
    }

    enter() {
      const { at, pair, planned } = this.test.state;
      const { clip, x, answer } = this.test.trial;
      const [a, b] = pair.map((system) => this.data.clips[clip].sounds[system]);
      this.test.sound.open([a, b, x === "a" ? a : b]);
      this.answers.forEach((radio) => (radio.checked = radio.value === answer));
      find("missing").textContent = "";
      find("next").textContent = at + 1 < planned ? tr("Next trial") : tr("Finish");
      this.test.show("trial", tr("Trial {number} of {count}", { number: at + 1, count: planned }));
    }

    #heard() {
      const { state, trial, sound } = this.test;
      if (!trial || state.finished) return;
      trial.plays += 1;
      if (sound.player.selected === 2) trial.knowsX = true;
      this.#remind();
      this.test.keep();
    }

    #answer(value) {
      this.test.trial.answer = value;
      const radio = find(`answer-${value}`);
      radio.checked = true;
      radio.focus(); // so that Enter goes on
      this.#remind();
      this.test.keep();
    }

    get #missing() {
      const { knowsX, answer } = this.test.trial;
      if (!knowsX) return tr("Listen to X first.");
      return answer ? "" : tr("Say first which one X is; guess if you must.");
    }

    /* What was found missing stays true while it is shown. */
    #remind() {
      if (find("missing").textContent) find("missing").textContent = this.#missing;
    }

    #next() {
      const missing = this.#missing;
      find("missing").textContent = missing;
      if (!missing) this.test.next();
    }

    #draw() {
      const { sound } = this.test;
      press(this.buttons, sound.playing ? sound.player.selected : -1);
    }

    outcome(state, { systems }) {
      const [a, b] = state.pair.map((system) => systems[system].id);
      const trials = state.trials.map(({ clip, x, answer, seconds, plays }) => ({
        clip: this.data.clips[clip].clip,
        ...{ x, answer, seconds: Number(seconds.toFixed(3)), plays },
      }));
      return { pair: { a, b }, planned: state.planned, trials };
    }

    reveal({ pair, planned, trials }, { systems }) {
      const labels = Object.fromEntries(systems.map(({ id, label }) => [id, label]));
      const right = trials.filter(({ x, answer }) => x === answer).length;
      const p = byGuessing(right, planned);
      const chance = p < 0.0001 ? tr("less than 0.0001") : String(Number(p.toPrecision(2)));
      const verdict =
        p < Number(find("answer").dataset.alpha)
          ? tr("That is unlikely to be luck: you most likely heard a difference.")
          : tr("That may well be luck. It does not show that there is nothing to be heard.");
      const name = (of) => make("bdi", {}, labels[pair[of]]);
      const rows = trials.map(({ clip, x, answer }, i) =>
        make(
          "tr",
          {},
          make("th", { scope: "row" }, String(i + 1)),
          make("td", {}, make("bdi", {}, clip)),
          make("td", {}, x.toUpperCase()),
          make("td", {}, answer.toUpperCase()),
          make("td", {}, x === answer ? tr("right") : tr("wrong")),
        ),
      );
      const heads = [tr("Trial"), tr("Clip"), tr("X was"), tr("You said"), tr("Verdict")].map(
        (text) => make("th", { scope: "col" }, text),
      );
      const table = make(
        "table",
        { className: "trials" },
        make("caption", {}, tr("Trial by trial")),
        make("thead", {}, make("tr", {}, ...heads)),
        make("tbody", {}, ...rows),
      );
      const frame = make("div", { className: "scroller", tabIndex: 0, role: "region" }, table);
      frame.setAttribute("aria-label", tr("Trial by trial"));
      return [
        make("p", {}, tr("A was"), " ", name("a"), ", ", tr("B was"), " ", name("b"), "."),
        make(
          "p",
          { className: "score" },
          tr("{right} of {count} right", { right, count: planned }),
        ),
        make(
          "p",
          {},
          tr(
            "Guessing alone gives this or better with a probability of {chance} (one-sided binomial test).",
            { chance },
          ),
          ` ${verdict}`,
        ),
        frame,
      ];
    }
  }

  new Abx(takeData());
})();
