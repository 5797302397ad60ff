/* The page of one clip, which others may show in a frame: its card alone. */

"use strict";

(() => {
  const { Card, Deck, addressOf, copyLink, readAddress, showEmbed } = window.Almbench;
  const { takeData, takeKeys, takeSet, takeSwitches } = window.Almbench;

  for (const plain of document.querySelectorAll("noscript")) plain.remove(); // it names systems
  document.documentElement.classList.toggle("framed", window.top !== window);
  const find = (id) => document.getElementById(id);
  const [set] = takeData().sets.map(takeSet);
  const [clip] = set.clips;
  const deck = new Deck();
  deck.clip = clip;
  deck.say = (text) => (find("said").textContent = text);
  find("from-disk").hidden = location.protocol !== "file:";

  const card = new Card(deck, clip, {
    copy: () => {
      deck.keepPosition();
      const system = deck.blind ? "" : set.systems[clip.selected].id;
      copyLink(addressOf({ system, t: clip.position.toFixed(2) }), card.copy);
    },
    embed: showEmbed,
  });
  find("clip").append(card.element);
  deck.onmove = () => card.move();
  deck.watch(() => card.draw());
  find("tools").hidden = false;
  takeSwitches(deck, find("tools"));
  takeKeys(deck, () => clip);

  function follow() {
    const { system, t } = readAddress();
    const version = set.systems.findIndex(({ id }) => id === system);
    if (version >= 0) deck.select(clip, version);
    if (t) deck.seek(clip, t);
  }

  window.addEventListener("hashchange", follow);
  follow();
})();
