/* The clips that moved most between two codecs or runs: a press on a version plays it, or switches to it
   in step where that clip plays already. Without scripts, the versions are links to their sounds. */

"use strict";

(() => {
  const { Deck, make, takeSet } = window.Almbench;
  const find = (id) => document.getElementById(id);
  const deck = new Deck();
  deck.say = (text) => (find("said").textContent = text);
  const shown = [...document.querySelectorAll(".clips li")].map(taken);

  /* A clip of the page, and its buttons in the place of the links. */
  function taken(item) {
    const links = [...item.querySelectorAll("a.version")];
    const systems = links.map(({ textContent }) => ({ label: textContent }));
    const [clip] = takeSet({ systems, clips: [[item.dataset.clip]] }).clips;
    const versions = links.map(({ href, dataset }) => ({ url: href, gain: Number(dataset.gain) }));
    clip.details = async () => ({ versions });
    const buttons = links.map((link, version) => {
      const button = make("button", { type: "button", className: link.className });
      button.append(...link.childNodes);
      button.ariaLabel = link.ariaLabel;
      button.onclick = () => deck.press(clip, version);
      link.replaceWith(button);
      return button;
    });
    return { clip, buttons };
  }

  function draw() {
    for (const { clip, buttons } of shown) {
      const here = clip === deck.clip;
      for (const [version, button] of buttons.entries()) {
        const chosen = here && version === clip.selected;
        button.classList.toggle("on", chosen && deck.playing);
        button.classList.toggle("wait", chosen && deck.loading);
        button.ariaPressed = String(chosen && deck.playing);
      }
    }
    find("lost").textContent = deck.clip?.warning ?? "";
  }

  deck.watch(draw);
  draw();
})();
