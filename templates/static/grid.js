/* Walking a table of buttons by keys, following the ARIA grid pattern: one of the buttons is in the
   order of the Tab key, arrows walk, and past the last row comes the next page of rows. */

"use strict";

window.Almbench = window.Almbench || {};

(() => {
  /**
   * Keys of a grid. What walks asks the grid for `buttons(row)`, those of its head being of row -1;
   * for `count`, its last column; for `shown`, its rows; for `page` and `pages`, and to
   * `turnTo(page)`; `escape()` is told of the Escape key.
   */
  class Walk {
    #at = [0, 1]; // row and column that the Tab key comes to
    #tabbed = null;

    constructor(root, grid) {
      this.grid = grid;
      root.addEventListener("keydown", (event) => this.#key(event));
      root.addEventListener("focusin", (event) => {
        this.#at = this.#place(event.target) ?? this.#at;
        this.tab();
      });
    }

    get row() {
      return this.#at[0];
    }

    /** Come to the first row. */
    rewind() {
      this.#at = [0, this.#at[1]];
    }

    /** Focus the button that the Tab key comes to. */
    focus() {
      this.#walk(...this.#at);
    }

    /** Put one button alone into the order of the Tab key; the buttons may be others than before. */
    tab() {
      const { grid } = this;
      this.#tabbed?.setAttribute("tabindex", "-1");
      const [row, column] = this.#at;
      this.#tabbed =
        grid.buttons(row)?.[column] ?? grid.buttons(0)?.[0] ?? grid.buttons(-1)?.[0] ?? null;
      this.#tabbed?.setAttribute("tabindex", "0");
    }

    #place(target) {
      for (let row = -1; row < this.grid.shown.length; row++) {
        const column = this.grid.buttons(row)?.indexOf(target) ?? -1;
        if (column >= 0) return [row, column];
      }
      return null;
    }

    #walk(row, column) {
      const { grid } = this;
      const last = grid.shown.length - 1;
      if (row > last && grid.page < grid.pages - 1) {
        grid.turnTo(grid.page + 1);
        return this.#walk(0, column);
      }
      if (row < -1 && grid.page > 0) {
        grid.turnTo(grid.page - 1);
        return this.#walk(grid.shown.length - 1, column);
      }
      const buttons = grid.buttons(Math.min(Math.max(row, -1), last));
      const button = buttons?.[Math.min(Math.max(column, 0), buttons.length - 1)];
      button?.focus();
      button?.scrollIntoView({ block: "nearest", inline: "nearest" });
    }

    #key(event) {
      const place = this.#place(event.target);
      if (!place || event.altKey || event.metaKey || event.shiftKey) return;
      const { grid } = this;
      const [row, column] = place;
      const [below, last] = [grid.shown.length - 1, grid.count];
      const to = event.ctrlKey
        ? { Home: [0, 0], End: [below, last] }[event.key]
        : {
            ArrowUp: row === 0 && grid.page > 0 ? [-2, column] : [row - 1, column],
            ArrowDown: [row + 1, column],
            ArrowLeft: [row, column - 1],
            ArrowRight: [row, column + 1],
            Home: [row, 0],
            End: [row, last],
            PageUp: [Math.max(row - 5, 0), column],
            PageDown: [Math.min(row + 5, below), column],
          }[event.key];
      if (to) {
        event.preventDefault();
        this.#walk(...to);
      } else if (event.key === "Escape") grid.escape();
    }
  }

  window.Almbench.Walk = Walk;
})();
