/* The page of a domain: the matrix, what is chosen above it, and the address that says so. */

"use strict";

(() => {
  const { Deck, Matrix, Tools, addressOf, copyLink, readAddress, showEmbed, tr } = window.Almbench;
  const { takeData, takeKeys, takeSet, takeSwitches, writeAddress } = window.Almbench;
  const CHOICES = ["metric", "sort", "of", "over", "n", "seed", "q", "page"];

  for (const plain of document.querySelectorAll("noscript")) plain.remove(); // it names systems
  const find = (id) => document.getElementById(id);
  const sets = takeData().sets.map(takeSet);
  const deck = new Deck();
  deck.say = (text) => (find("said").textContent = text);
  find("from-disk").hidden = location.protocol !== "file:";

  let [set, view] = [sets[0], {}];
  const matrix = new Matrix(find("matrix"), deck, {
    copy: () => copyLink(addressOf(choice()), matrix.card.copy),
    embed: showEmbed,
    sort: (sort, of) => choose(set, { ...view, sort, of: of || view.of, page: 0 }),
  });
  const tools = new Tools(find("tools"), sets, (...chosen) => choose(...chosen));

  /* Show other clips, or the same in another order. */
  async function choose(nextSet, nextView) {
    [set, view] = [nextSet, nextView];
    tools.fill(set, view);
    view = { ...tools.view, page: view.page ?? 0 };
    for (const about of document.querySelectorAll(".about"))
      about.hidden = about.dataset.set !== set.name;
    try {
      await matrix.show(set, view);
    } catch (error) {
      say(error.message);
    }
    writeAddress(choice);
  }

  /* What is chosen, as in the address; where names are hidden, nothing that names a system. */
  function choice() {
    const { clip, blind } = deck;
    const said = sets.length > 1 ? { set: set.name } : {};
    if (clip) {
      deck.keepPosition();
      said.clip = clip.id;
      if (!blind) said.system = clip.set.systems[clip.selected].id;
      if (clip.position > 0.05) said.t = clip.position.toFixed(2);
    }
    const { metrics, headline } = set;
    if (!blind && view.metric !== metrics[headline]?.name) said.metric = view.metric;
    if (!blind && view.sort) {
      said.sort = view.sort;
      if (view.sort === "random") said.seed = view.seed;
      else said.of = view.of;
      if (view.sort === "beats") said.over = view.over;
    }
    if (view.n) said.n = view.n;
    if (view.q) said.q = view.q;
    if (matrix.page) said.page = matrix.page + 1;
    return said;
  }

  /* Go where the address leads. */
  async function follow() {
    const said = readAddress();
    const known = sets.find(({ name }) => name === said.set);
    const holds = (one) => one.clips.find(({ id }) => id === said.clip);
    const next = known ?? sets.find(holds) ?? sets[0];
    const chosen = Object.fromEntries(CHOICES.map((key) => [key, said[key]]));
    if (chosen.page) chosen.page -= 1;
    await choose(next, chosen);
    say("");
    if (!said.clip) return;
    const clip = holds(next);
    if (!clip) {
      say(tr("The link leads to clip {clip}, which is not here.", { clip: said.clip }));
      return;
    }
    if (!matrix.reveal(clip)) await choose(next, { metric: view.metric });
    matrix.reveal(clip);
    deck.point(clip);
    const version = next.systems.findIndex(({ id }) => id === said.system);
    if (version >= 0 && !deck.blind) deck.select(clip, version);
    if (said.t) deck.seek(clip, said.t);
    matrix.open();
    await matrix.card?.loaded;
    matrix.card?.element.closest("tr").scrollIntoView({ block: "nearest" });
  }

  function say(text) {
    find("lost").textContent = text;
  }

  /* Which clips of how many are seen. */
  const pager = find("pager");
  const [back, on] = [pager.querySelector(".back"), pager.querySelector(".on")];
  back.onclick = () => matrix.turn(matrix.page - 1);
  on.onclick = () => matrix.turn(matrix.page + 1);
  matrix.onturn = () => {
    const { order, first, shown, page, pages } = matrix;
    const all = set.clips.length;
    pager.hidden = pages < 2 && order.length === all;
    back.hidden = on.hidden = pages < 2;
    [back.disabled, on.disabled] = [page === 0, page === pages - 1];
    const [from, to, count] = [first + 1, first + shown.length, order.length];
    const chosen =
      count === all ? tr("{all} clips", { all }) : tr("{count} of {all} clips", { count, all });
    const rows = tr("{from} to {to}:", { from, to });
    pager.querySelector("span").textContent = pages > 1 ? `${rows} ${chosen}` : chosen;
    writeAddress(choice);
  };

  deck.onmove = () => matrix.card?.move();
  deck.watch(() => {
    tools.hide(deck.blind);
    if (!deck.blind && !matrix.blind) tools.fill(set, view);
    writeAddress(choice);
  });
  takeSwitches(deck, find("tools"));
  takeKeys(deck, () => deck.clip ?? matrix.focused ?? matrix.shown[0] ?? null);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.matches("input, textarea, select")) return;
    event.preventDefault();
    find("tools").elements.q.focus();
  });
  window.addEventListener("hashchange", follow);
  follow();
})();
