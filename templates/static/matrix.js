/* The matrix: a row a clip, a column a system, each cell a button that plays.

   It follows the ARIA grid pattern: one of its buttons is in the order of the Tab key, arrows walk.
   Of many clips, one page of rows is in the document at a time. */

"use strict";

window.Almbench = window.Almbench || {};

(() => {
  const { Card, arrange, keyOf, make, nameOf, request, tr } = window.Almbench;
  const ROWS = 30; // of a page

  class Matrix {
    #rows = new Map(); // by clip: its row and its cells' buttons
    #at = [0, 1]; // row and column that the Tab key comes to
    #opens = true; // whether the card of the clip in play opens by itself

    constructor(root, deck, actions) {
      Object.assign(this, { root, deck, actions, card: null, first: 0, order: [] });
      this.root.addEventListener("keydown", (event) => this.#key(event));
      this.root.addEventListener("focusin", (event) => this.#focused(event.target));
      new ResizeObserver(() => this.#fit()).observe(this.root);
      deck.watch(() => this.draw());
    }

    /** Show the clips of a set as they are chosen; scores are loaded if they are not there yet. */
    async show(set, view) {
      this.wanted = view;
      const metric = set.metrics.find(({ name }) => name === view.metric);
      const scores = metric ? await request(metric.source) : [];
      if (this.wanted !== view) return; // another by now
      const find = (id) => set.systems.findIndex((system) => system.id === id);
      const places = { ...view, of: find(view.of), over: find(view.over) };
      Object.assign(this, { set, view, metric, scores });
      const all = arrange(set.clips, scores, metric?.better ?? true, places);
      this.order = all.map((i) => set.clips[i]);
      this.#turn(view.page ?? 0);
    }

    get pages() {
      return Math.max(1, Math.ceil(this.order.length / ROWS));
    }
    get page() {
      return Math.floor(this.first / ROWS);
    }
    /** The clip of the row that the Tab key comes to. */
    get focused() {
      return this.shown[this.#at[0]];
    }
    get shown() {
      return this.order.slice(this.first, this.first + ROWS);
    }

    turn(page) {
      this.#turn(page);
      this.#at = [0, this.#at[1]];
      this.root.scrollIntoView({ block: "start" });
    }

    #turn(page) {
      this.first = Math.min(Math.max(page, 0), this.pages - 1) * ROWS;
      this.render();
      this.onturn?.();
    }

    /** Bring a clip into the rows that are shown; says whether it is among the chosen. */
    reveal(clip) {
      const place = this.order.indexOf(clip);
      if (place >= 0 && !this.#rows.has(clip)) this.#turn(Math.floor(place / ROWS));
      return place >= 0;
    }

    /** Open the card of the deck's clip, and keep doing so. */
    open() {
      this.#opens = true;
      this.draw();
    }

    render() {
      const { deck, set } = this;
      const focused = this.root.contains(document.activeElement);
      this.blind = deck.blind;
      this.#rows.clear();
      const caption =
        this.metric && !this.blind
          ? tr("Clips and systems: each cell plays; its number is {metric}", {
              metric: this.metric.label,
            })
          : tr("Clips and systems: each cell plays");
      this.table = make("table", {}, make("caption", { className: "unseen" }, caption));
      this.table.setAttribute("role", "grid");
      this.table.setAttribute("aria-rowcount", this.order.length + 1);
      this.body = make("tbody", {}, ...this.shown.map((clip, i) => this.#row(clip, i)));
      this.table.append(make("thead", {}, this.#head()), this.body);
      const none = make("p", { className: "none" }, tr("No clip fits."));
      this.scroller = make("div", { className: "grid" }, this.table);
      this.root.replaceChildren(this.scroller, ...(this.order.length ? [] : [none]));
      this.card = null;
      this.count = set.systems.length;
      this.draw();
      this.#fit();
      if (focused) this.#walk(...this.#at);
    }

    #head() {
      const { set, blind, view } = this;
      const corner = this.#sorter(tr("Clip"), "", "");
      const heads = set.systems.map((system, i) => {
        const key = make("kbd", { ariaHidden: "true" }, keyOf(i));
        if (blind) {
          const text = i ? window.Almbench.letter(i - 1) : tr("Original");
          return make(
            "th",
            { scope: "col" },
            make("button", { type: "button", tabIndex: -1, className: "head" }, text, key),
          );
        }
        return i && this.metric
          ? this.#sorter(nameOf(system), key, system.id)
          : make(
              "th",
              { scope: "col" },
              make(
                "button",
                { type: "button", tabIndex: -1, className: "head" },
                nameOf(system),
                key,
              ),
            );
      });
      const row = make("tr", {}, corner, ...heads);
      row.setAttribute("aria-rowindex", 1);
      this.head = [...row.querySelectorAll("button")];
      if (blind || !["worst", "best"].includes(view.sort)) return row;
      const sorted = set.systems.findIndex(({ id }) => id === view.of);
      const up = (view.sort === "worst") === (this.metric?.better ?? true);
      row.cells[sorted + 1]?.setAttribute("aria-sort", up ? "ascending" : "descending");
      return row;
    }

    /* A head that sorts: worst first, then best first, then as listed. */
    #sorter(name, key, id) {
      const button = make("button", { type: "button", tabIndex: -1, className: "head" }, name, key);
      button.title = id
        ? tr("Sort by this score: worst first, then best first")
        : tr("In the suite's order");
      button.onclick = () => {
        const { sort, of } = this.view;
        const next = { worst: "best", best: "" };
        const now = of === id ? sort : "";
        this.actions.sort(id ? (next[now] ?? "worst") : "", id);
      };
      return make("th", { scope: "col" }, button);
    }

    #row(clip, i) {
      const { deck, metric } = this;
      const name = make("button", { type: "button", tabIndex: -1, className: "clip" });
      name.append(make("bdi", {}, clip.id));
      name.onclick = () => this.#expand(clip);
      name.setAttribute("aria-expanded", "false");
      const head = make("th", { scope: "row" }, name);
      const said = clip.text || clip.speaker;
      if (said)
        head.append(make("span", { className: "said", title: said }, make("bdi", {}, said)));
      const order = deck.order(clip);
      const cells = this.set.systems.map((_, column) => {
        const version = order[column];
        if (version === undefined) return make("td");
        return make("td", {}, this.#cell(clip, version, metric));
      });
      const row = make("tr", {}, head, ...cells);
      row.setAttribute("aria-rowindex", this.first + i + 2);
      const buttons = cells.map((cell) => cell.firstChild);
      this.#rows.set(clip, { row, name, order, buttons: [name, ...buttons] });
      // Its sounds' addresses are fetched before the press that needs them.
      row.onpointerenter = () => clip.details().catch(() => {});
      return row;
    }

    #cell(clip, version, metric) {
      const { deck } = this;
      const button = make("button", { type: "button", tabIndex: -1, className: "cell" });
      let name = `${deck.label(clip, version)}, ${clip.id}`;
      if (!deck.blind && version && metric) {
        const value = this.scores[clip.index]?.[version] ?? null;
        const text = value === null ? "–" : value.toFixed(metric.digits).replace("-", "−");
        button.append(make("span", {}, text));
        name += value === null ? `, ${tr("not scored")}` : `, ${metric.label} ${text}`;
      } else if (!version) {
        const seconds = `${clip.duration.toFixed(1)} s`;
        button.append(make("span", {}, seconds));
        name += `, ${seconds}`;
      }
      if (version in clip.silent) {
        button.setAttribute("aria-disabled", "true");
        button.title = `${tr("No sound:")} ${clip.silent[version]}`;
        name += `, ${button.title}`;
      } else button.onclick = () => deck.press(clip, version);
      button.setAttribute("aria-label", name);
      return button;
    }

    /* The card of a clip: opened without playing; closed, no card opens by itself any more. */
    #expand(clip) {
      const opened = this.card?.clip === clip;
      this.#opens = !opened;
      if (!opened) this.deck.point(clip);
      this.draw();
    }

    draw() {
      if (!this.set) return;
      const { deck } = this;
      if (this.blind !== deck.blind) {
        this.render();
        return;
      }
      for (const [clip, { row, name, order, buttons }] of this.#rows) {
        const mine = clip === deck.clip;
        if (!mine && !row.classList.contains("mine")) continue;
        row.classList.toggle("mine", mine);
        name.setAttribute("aria-expanded", mine && this.#opens);
        order.forEach((version, i) => {
          const button = buttons[i + 1];
          const chosen = mine && version === clip.selected;
          button.classList.toggle("chosen", chosen);
          button.classList.toggle("on", chosen && deck.playing);
          button.classList.toggle(
            "wait",
            chosen && (deck.loading || (deck.ready && !deck.here(clip, version))),
          );
          button.setAttribute("aria-pressed", chosen && deck.playing);
        });
      }
      this.#drawCard();
      this.#tab();
    }

    #drawCard() {
      const { deck } = this;
      const place = this.#opens && this.#rows.get(deck.clip);
      if (this.card && this.card.clip !== (place ? deck.clip : null))
        this.#inPlace(() => this.#close());
      if (place && !this.card) this.#inPlace(() => this.#openCard(deck.clip, place.row));
      else this.card?.draw();
    }

    #openCard(clip, row) {
      this.card = new Card(this.deck, clip, this.actions);
      const cell = make("td", { colSpan: this.count + 1 }, this.card.element);
      row.after(make("tr", { className: "opened" }, cell));
    }

    #close() {
      this.card.element.closest("tr").remove();
      this.card = null;
    }

    /* What was pressed stays where it is, though a card above it goes. */
    #inPlace(change) {
      const row = this.#rows.get(this.deck.clip)?.row;
      const before = row?.getBoundingClientRect().top;
      change();
      if (row) window.scrollBy(0, row.getBoundingClientRect().top - before);
    }

    /* Where all columns fit, the page scrolls and the head sticks to its top; else the matrix scrolls. */
    #fit() {
      if (!this.scroller) return;
      this.scroller.classList.remove("fits");
      const fits = this.table.scrollWidth <= this.scroller.clientWidth;
      this.scroller.classList.toggle("fits", fits);
      this.root.style.setProperty("--share", `${100 / (this.count + 1)}%`);
      this.scroller.style.setProperty("--room", `${this.scroller.clientWidth}px`);
    }

    /* Walking */

    #buttons(row) {
      if (row < 0) return this.head;
      return this.#rows.get(this.shown[row])?.buttons;
    }

    #place(target) {
      const clip = [...this.#rows].find(([, { buttons }]) => buttons.includes(target))?.[0];
      if (clip)
        return [this.shown.indexOf(clip), this.#buttons(this.shown.indexOf(clip)).indexOf(target)];
      const column = this.head?.indexOf(target) ?? -1;
      return column < 0 ? null : [-1, column];
    }

    #focused(target) {
      const place = this.#place(target);
      if (place) this.#at = place;
      this.#tab();
    }

    /* One button alone is in the order of the Tab key. */
    #tab() {
      this.tabbed?.setAttribute("tabindex", "-1");
      this.tabbed =
        this.#buttons(this.#at[0])?.[this.#at[1]] ?? this.#buttons(0)?.[0] ?? this.head[0];
      this.tabbed?.setAttribute("tabindex", "0");
    }

    #walk(row, column) {
      const last = this.shown.length - 1;
      if (row > last && this.page < this.pages - 1) {
        this.#turn(this.page + 1);
        return this.#walk(0, column);
      }
      if (row < -1 && this.page > 0) {
        this.#turn(this.page - 1);
        return this.#walk(this.shown.length - 1, column);
      }
      const buttons = this.#buttons(Math.min(Math.max(row, -1), last));
      const button = buttons?.[Math.min(Math.max(column, 0), buttons.length - 1)];
      button?.focus();
      button?.scrollIntoView({ block: "nearest", inline: "nearest" });
    }

    #key(event) {
      const place = this.#place(event.target);
      if (!place || event.altKey || event.metaKey || event.shiftKey) return;
      const [row, column] = place;
      const last = this.count;
      const to = event.ctrlKey
        ? { Home: [0, 0], End: [this.shown.length - 1, last] }[event.key]
        : {
            ArrowUp: row === 0 && this.page > 0 ? [-2, column] : [row - 1, column],
            ArrowDown: [row + 1, column],
            ArrowLeft: [row, column - 1],
            ArrowRight: [row, column + 1],
            Home: [row, 0],
            End: [row, last],
            PageUp: [Math.max(row - 5, 0), column],
            PageDown: [Math.min(row + 5, this.shown.length - 1), column],
          }[event.key];
      if (!to) {
        if (event.key === "Escape" && this.card) this.#expand(this.card.clip);
        return;
      }
      event.preventDefault();
      this.#walk(...to);
    }
  }

  window.Almbench.Matrix = Matrix;
})();
