// Tables that sort by their headings, a choice of what they show, and a citation to be copied.
"use strict";

{
  const { tr } = window.Almbench;
  const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
  const opposite = { ascending: "descending", descending: "ascending" };

  // Sorting: a press sorts best first, the next the other way round, the third as it was.

  for (const table of document.querySelectorAll("table.sorts")) {
    const body = table.tBodies[0];
    const suite = [...body.rows];
    const heads = [...table.tHead.rows[0].cells];

    table.caption.append(` ${tr("Press a heading to sort.")}`);

    const value = (row, column) => {
      const cell = row.cells[column];
      if (!("value" in cell.dataset)) return cell.textContent.trim();
      return cell.dataset.value === "" ? null : Number(cell.dataset.value);
    };

    const compare = (column, order) => (one, other) => {
      const [a, b] = [value(one, column), value(other, column)];
      if (a === null || b === null) return (a === null) - (b === null); // what is missing, last
      const difference = typeof a === "number" ? a - b : collator.compare(a, b);
      return order === "ascending" ? difference : -difference;
    };

    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      if ("value" in suite[0].cells[column].dataset) head.dataset.numeric = "";
      button.addEventListener("click", () => {
        const { first } = head.dataset;
        const now = head.getAttribute("aria-sort");
        const next = !now ? first : now === first ? opposite[first] : null;
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        if (next) head.setAttribute("aria-sort", next);
        body.append(...(next ? [...suite].sort(compare(column, next)) : suite));
      });
    });
  }

  // What is shown

  const filters = document.getElementById("filters");
  if (filters) {
    const fields = [...filters.querySelectorAll("[data-filter]")];
    const rows = [...document.querySelectorAll("tr[data-family]")];
    const parts = [...document.querySelectorAll("[data-domain]")];
    const shown = document.getElementById("shown");

    const show = () => {
      const chosen = Object.fromEntries(fields.map((field) => [field.dataset.filter, field.value]));
      const bounded = Boolean(chosen.low || chosen.high);
      const low = chosen.low ? Number(chosen.low) : -Infinity;
      const high = chosen.high ? Number(chosen.high) : Infinity;
      for (const row of rows) {
        const { family, rate } = row.dataset;
        const known = rate !== "" && Number(rate) >= low && Number(rate) <= high;
        row.hidden = Boolean(chosen.family && family !== chosen.family) || (bounded && !known);
      }
      for (const part of parts) {
        part.hidden = Boolean(chosen.domain && part.dataset.domain !== chosen.domain);
      }
      if (fields.every((field) => field.value === "")) shown.textContent = "";
      else {
        const codecs = rows.filter((row) => row.closest("table").dataset.list !== undefined);
        const visible = codecs.filter((row) => !row.hidden).length;
        const numbers = { visible, all: codecs.length };
        shown.textContent = bounded
          ? tr(
              "{visible} of {all} codecs. Marks, groups and plots stay those of all; codecs without a bitrate are hidden.",
              numbers,
            )
          : tr("{visible} of {all} codecs. Marks, groups and plots stay those of all.", numbers);
      }
    };

    fields.forEach((field) => field.addEventListener("input", show));
    document.getElementById("everything").addEventListener("click", () => {
      fields.forEach((field) => (field.value = ""));
      show();
    });
    filters.hidden = false;
    show(); // a browser may have kept what was chosen before a reload
  }

  // Citations

  for (const citation of document.querySelectorAll(".citation")) {
    const text = citation.querySelector("pre");
    const button = document.createElement("button");
    const said = document.createElement("span");
    button.type = "button";
    button.textContent = tr("Copy");
    said.setAttribute("role", "status");
    citation.append(button, said);
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(text.textContent);
        said.textContent = tr("Copied.");
      } catch {
        getSelection().selectAllChildren(text); // not allowed here: leave it to the reader's keys
        said.textContent = tr("Selected: copy it with your keyboard or menu.");
      }
    });
  }
}
