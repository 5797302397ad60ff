/* Which clips are listed, and in which order. */

"use strict";

window.Almbench = window.Almbench || {};

(() => {
  const { random, shuffled } = window.Almbench;

  /* How good a score is, so that more is better; where neither way is better, nearer to zero. */
  function goodness(value, better) {
    if (value === null || value === undefined) return null;
    if (better === null) return -Math.abs(value);
    return better ? value : -value;
  }

  /**
   * The clips to be listed, as indices.
   *
   * @param {{id: string, text: string, speaker: string}[]} clips
   * @param {(number | null)[][]} scores - Of each clip and system, by the metric that is shown.
   * @param {boolean | null} better - Whether higher scores are better.
   * @param {object} view
   * @param {string} view.q - Words that must all be in id, text or speaker.
   * @param {"" | "worst" | "best" | "beats" | "random"} view.sort - By the score of a system, by how
   *   much one system is better than another, or drawn by lot; clips without the score are left out.
   * @param {number} view.of - Index of the system.
   * @param {number} view.over - Index of the system that is beaten; where it is not, a clip is left out.
   * @param {number} view.seed - Of the lot.
   * @param {number} view.n - How many at most; 0 for all.
   */
  function arrange(clips, scores, better, { q, sort, of, over, seed, n }) {
    const words = (q ?? "").toLowerCase().split(/\s+/).filter(Boolean);
    const found = [...clips.keys()].filter((i) => {
      const { id, text, speaker } = clips[i];
      const all = `${id} ${text} ${speaker}`.toLowerCase();
      return words.every((word) => all.includes(word));
    });
    const sorted = sort === "random" ? draw(found, seed) : sort ? rank(found) : found;
    return n ? sorted.slice(0, n) : sorted;

    function rank(indices) {
      const value = (i, system) => goodness(scores[i]?.[system], better);
      const key = (i) => {
        const [a, b] = [value(i, of), value(i, over)];
        if (sort !== "beats") return a === null ? null : sort === "worst" ? -a : a;
        return a === null || b === null || a <= b ? null : a - b;
      };
      const keys = new Map(indices.map((i) => [i, key(i)]));
      return indices
        .filter((i) => keys.get(i) !== null)
        .sort((i, j) => keys.get(j) - keys.get(i) || i - j);
    }
  }

  function draw(indices, seed) {
    return shuffled(indices.length, random(seed)).map((i) => indices[i]);
  }

  window.Almbench.arrange = arrange;
})();
