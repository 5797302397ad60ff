/* What is chosen above the matrix: test set, words, score, order and how many. */

"use strict";

window.Almbench = window.Almbench || {};

(() => {
  const { make, tr } = window.Almbench;
  const NAMED = ["metric", "sort", "of", "over"]; // fields that name what blindness hides
  const DRAWN = 10; // clips of a draw by lot, if nothing else is asked for

  class Tools {
    #hidden = null;

    constructor(form, sets, onchange) {
      Object.assign(this, { form, sets, onchange, set: null });
      const { set } = form.elements;
      set.append(...sets.map(({ name }) => make("option", {}, name)));
      set.closest("label").hidden = sets.length < 2;
      form.hidden = false;
      form.oninput = (event) => this.#changed(event.target.name);
      form.querySelector(".draw").onclick = () => {
        this.seed = lot();
        this.#changed("");
      };
    }

    /** The form holds this. */
    get view() {
      const { elements } = this.form;
      const { q, n } = elements;
      const view = {
        ...this.named,
        q: q.value.trim(),
        n: Number(n.value),
        seed: this.seed,
        page: 0,
      };
      if (this.#hidden) return view;
      for (const name of NAMED) view[name] = elements[name].value;
      this.named = Object.fromEntries(NAMED.map((name) => [name, view[name]]));
      return view;
    }

    /** Put a choice into the form; what it does not know falls back. */
    fill(set, view) {
      const { elements } = this.form;
      if (set !== this.set) this.#offer(set);
      elements.set.value = set.name;
      elements.q.value = view.q ?? "";
      elements.n.value = view.n || "";
      if (elements.n.selectedIndex < 0) elements.n.value = "";
      this.seed = view.seed ?? lot();
      if (this.#hidden) return;
      const [one, two] = set.systems.slice(1);
      const { metrics, headline } = set;
      this.#choose(elements.metric, view.metric, metrics[headline]?.name);
      this.#choose(elements.sort, view.sort, "");
      this.#choose(elements.of, view.of, one?.id);
      this.#choose(elements.over, view.over, two?.id ?? one?.id);
      this.#draw();
    }

    /** Take what names systems out of the page, or put it back. */
    hide(hidden) {
      if (hidden === Boolean(this.#hidden)) return;
      if (hidden) {
        const labels = [...this.form.querySelectorAll(".named")];
        this.#hidden = labels.map((label) => {
          const mark = make("span", { hidden: true });
          label.replaceWith(mark);
          return [mark, label];
        });
      } else {
        for (const [mark, label] of this.#hidden) mark.replaceWith(label);
        this.#hidden = null;
      }
    }

    #offer(set) {
      const { metric, of, over } = this.form.elements;
      this.set = set;
      if (this.#hidden) return;
      const option = (value, text) => make("option", { value }, text);
      metric.replaceChildren(
        ...set.metrics.map(({ name, label, arrow, unit }) =>
          option(name, `${label}${unit ? ` (${unit})` : ""} ${arrow}`),
        ),
      );
      metric.closest("label").hidden = !set.metrics.length;
      for (const select of [of, over])
        select.replaceChildren(
          ...set.systems
            .slice(1)
            .map(({ id, label, rate }) => option(id, rate ? `${label}, ${rate}` : label)),
        );
    }

    #choose(select, value, fallback) {
      select.value = value ?? fallback ?? "";
      if (select.selectedIndex < 0) select.value = fallback ?? "";
    }

    #changed(name) {
      const { elements } = this.form;
      if (name === "sort" && elements.sort.value === "random") {
        this.seed = lot();
        elements.n.value ||= DRAWN;
      }
      if (name === "set")
        this.onchange(
          this.sets.find((set) => set.name === elements.set.value),
          {},
        );
      else this.onchange(this.set, this.view);
      if (!this.#hidden) this.#draw();
    }

    #draw() {
      const { sort, of, over } = this.form.elements;
      const named = ["worst", "best", "beats"].includes(sort.value);
      of.closest("label").hidden = !named;
      of.previousElementSibling.textContent = sort.value === "beats" ? "A" : tr("of");
      over.closest("label").hidden = sort.value !== "beats";
      over.previousElementSibling.textContent = "B";
      this.form.querySelector(".draw").hidden = sort.value !== "random";
    }
  }

  function lot() {
    return crypto.getRandomValues(new Uint32Array(1))[0];
  }

  window.Almbench.Tools = Tools;
})();
