/* The keys of the player, and the dialog that lists them. */

"use strict";

window.Almbench = window.Almbench || {};

(() => {
  const STEP = 1; // seconds of an arrow key
  const BIG_STEP = 5;

  /** Listen to keys; `current()` is the clip that they act on, or null. */
  function takeKeys(deck, current) {
    const help = document.getElementById("help");
    const keysOn = document.getElementById("keys-on");
    for (const dialog of document.querySelectorAll("dialog"))
      dialog.querySelector(".close").onclick = () => dialog.close();

    const action = (event, clip) => {
      const number = /^Digit(\d)$/.exec(event.code)?.[1] ?? /^\d$/.exec(event.key)?.[0];
      if (number !== undefined) {
        const place = Number(number) + (event.shiftKey ? 10 : 0);
        return () => deck.select(clip, deck.order(clip)[place]);
      }
      const move = (seconds) => () => {
        deck.keepPosition();
        deck.seek(clip, clip.position + seconds);
      };
      const step = (by) => () => {
        const heard = deck.order(clip).filter((i) => clip.heard.includes(i));
        const place = heard.indexOf(clip.selected) + by;
        deck.select(clip, heard[(place + heard.length) % heard.length]);
      };
      const by = event.shiftKey ? BIG_STEP : STEP;
      return {
        " ": () => deck.toggle(clip),
        arrowleft: move(-by),
        arrowright: move(by),
        ",": move(-STEP),
        ".": move(STEP),
        j: step(-1),
        k: step(1),
        a: () => deck.setEnd(clip, 0),
        b: () => deck.setEnd(clip, 1),
        l: () => deck.toggleLoop(clip),
        m: () => deck.toggleBlind(),
        "?": () => help.showModal(),
      }[event.key.toLowerCase()];
    };

    document.addEventListener("keydown", (event) => {
      if (event.defaultPrevented || !keysOn.checked || document.querySelector("dialog[open]"))
        return;
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      const { target } = event;
      if (target.closest("nav, footer")) return;
      if (
        target.matches("input:not([type=range], [type=radio], [type=checkbox]), select, textarea")
      )
        return;
      // A button, box or link keeps its own keys.
      if (event.key === " " && target.matches("button, summary, a, input[type=checkbox]")) return;
      if (event.key.startsWith("Arrow") && target.matches(".frame, .scroller")) return;
      const clip = current();
      const act = clip && action(event, clip);
      if (!act) return;
      event.preventDefault();
      act();
    });
  }

  /** The parts that act on all clips: blindness, loudness, the list of keys. */
  function takeSwitches(deck, root) {
    const [blind, match, help] = ["blind", "match", "help"].map((name) =>
      root.querySelector(`.${name}`),
    );
    blind.onclick = () => deck.toggleBlind();
    match.onchange = () => deck.match(match.checked);
    help.onclick = () => document.getElementById("help").showModal();
    deck.watch(() => {
      blind.setAttribute("aria-pressed", deck.blind);
      match.checked = deck.matched;
    });
  }

  Object.assign(window.Almbench, { takeKeys, takeSwitches });
})();
