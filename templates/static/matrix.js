/* The matrix: a row a clip, a column a system, each cell a button that plays.

   Of many clips, one page of rows is in the document at a time. */

"use strict";

window.Almbench = window.Almbench || {};

(() => {
  const { Card, Walk, arrange, keyOf, make, nameOf, request, tr } = window.Almbench;
  const ROWS = 30; // of a page

  /* The head of a column, as a button. */
  function headed(name, key) {
    const button = make("button", { type: "button", tabIndex: -1, className: "head" }, name, key);
    return make("th", { scope: "col" }, button);
  }

  class Matrix {
    #rows = new Map(); // by clip: its row and its cells' buttons
    #opens = true; // whether the card of the clip in play opens by itself

    constructor(root, deck, actions) {
      Object.assign(this, { root, deck, actions, card: null, first: 0, order: [] });
      this.walk = new Walk(root, this);
      // A card that opens changes the height alone, which is no reason to measure all columns again.
      new ResizeObserver(() => this.root.clientWidth === this.fitted || this.#fit()).observe(root);
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
      this.turnTo(view.page ?? 0);
    }

    get pages() {
      return Math.max(1, Math.ceil(this.order.length / ROWS));
    }
    get page() {
      return Math.floor(this.first / ROWS);
    }
    /** The clip of the row that the Tab key comes to. */
    get focused() {
      return this.shown[this.walk.row];
    }
    get shown() {
      return this.order.slice(this.first, this.first + ROWS);
    }

    /** The buttons of a row that is shown; row -1 is the head. */
    buttons(row) {
      return row < 0 ? this.head : this.#rows.get(this.shown[row])?.buttons;
    }

    /** Show a page of rows from its first. */
    turn(page) {
      this.turnTo(page);
      this.walk.rewind();
      this.root.scrollIntoView({ block: "start" });
    }

    /** Show a page of rows. */
    turnTo(page) {
      this.first = Math.min(Math.max(page, 0), this.pages - 1) * ROWS;
      this.render();
      this.onturn?.();
    }

    /** Bring a clip into the rows that are shown; says whether it is among the chosen. */
    reveal(clip) {
      const place = this.order.indexOf(clip);
      if (place >= 0 && !this.#rows.has(clip)) this.turnTo(Math.floor(place / ROWS));
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
      if (focused) this.walk.focus();
    }

    #head() {
      const { set, blind, view } = this;
      const corner = this.#sorter(tr("Clip"), "", "");
      const heads = set.systems.map((system, i) => {
        const key = make("kbd", { ariaHidden: "true" }, keyOf(i));
        if (!blind && i && this.metric) return this.#sorter(nameOf(system), key, system.id);
        const letter = i ? window.Almbench.letter(i - 1) : tr("Original");
        return headed(blind ? letter : nameOf(system), key);
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
      const head = headed(name, key);
      const button = head.firstChild;
      button.title = id
        ? tr("Sort by this score: worst first, then best first")
        : tr("In the suite's order");
      button.onclick = () => {
        const { sort, of } = this.view;
        const next = { worst: "best", best: "" };
        const now = of === id ? sort : "";
        this.actions.sort(id ? (next[now] ?? "worst") : "", id);
      };
      return head;
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
        const own = !deck.blind && this.set.systems[version].own;
        return make("td", { className: own ? "own" : "" }, this.#cell(clip, version, metric));
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

    /** Close the card. */
    escape() {
      if (this.card) this.#expand(this.card.clip);
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
        const follows = mine && document.activeElement?.matches(".chosen");
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
          // So that the space bar pauses what a key has chosen.
          if (chosen && follows && buttons.includes(document.activeElement)) button.focus();
        });
      }
      this.#drawCard();
      this.walk.tab();
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

    /* Where all columns fit, the page scrolls and the head sticks to its top; else the matrix scrolls.
       What would fit narrowly is set in smaller type. */
    #fit() {
      if (!this.scroller) return;
      const { root, scroller, table } = this;
      this.fitted = root.clientWidth;
      scroller.classList.remove("fits");
      root.style.setProperty("--share", `${100 / (this.count + 1)}%`);
      let fits = false;
      for (const tight of [false, true]) {
        root.classList.toggle("tight", tight);
        fits = table.scrollWidth <= root.clientWidth;
        if (fits) break;
      }
      if (!fits) root.classList.remove("tight");
      scroller.classList.toggle("fits", fits);
      const room = Math.min(root.clientWidth, scroller.clientWidth);
      scroller.style.setProperty("--room", `${room}px`);
    }
  }

  window.Almbench.Matrix = Matrix;
})();
