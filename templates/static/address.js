/* What is chosen, in the address behind "#": links lead to a clip, a system and a place in time. */

"use strict";

window.Almbench = window.Almbench || {};

(() => {
  const { copied, tr } = window.Almbench;
  const NUMBERS = new Set(["t", "n", "seed", "page"]);

  /** What the address says, by key; numbers as such. */
  function readAddress() {
    const hash = location.hash.slice(1);
    if (hash.startsWith("set:") || hash.startsWith("set%3A"))
      return { set: decodeURIComponent(hash).slice("set:".length) };
    const said = {};
    for (const [key, value] of new URLSearchParams(hash)) {
      const number = Number(value);
      if (!NUMBERS.has(key)) said[key] = value;
      else if (Number.isFinite(number) && number >= 0) said[key] = number;
    }
    return said;
  }

  /** The address of this page with a choice; what is empty is left out. */
  function addressOf(choice) {
    const kept = Object.entries(choice).filter(([, value]) => value || value === 0);
    const url = new URL(location.href);
    url.hash = new URLSearchParams(kept).toString();
    return url.href;
  }

  let timer = null;

  /** Write a choice into the address, when it has come to rest. */
  function writeAddress(choice) {
    clearTimeout(timer);
    timer = setTimeout(() => history.replaceState(null, "", addressOf(choice())), 150);
  }

  /** Copy a link, and say so on its button; where that is forbidden, show it to be copied. */
  async function copyLink(url, button) {
    if (!(await copied(url))) {
      prompt(tr("Copy this link:"), url);
      return;
    }
    const { textContent } = button;
    button.textContent = tr("Copied");
    setTimeout(() => {
      button.textContent = textContent;
    }, 1500);
  }

  /** The dialog with the HTML that shows a clip on another page. */
  function showEmbed(clip) {
    const dialog = document.getElementById("share");
    const snippet = document.getElementById("snippet");
    const copy = document.getElementById("copy-snippet");
    const page = document.getElementById("share-page");
    page.href = `clip-${clip.key}.html`;
    const frame = document.createElement("iframe");
    // In a narrow column the versions are listed below the picture.
    const height = String(580 + 46 * clip.set.systems.length);
    Object.assign(frame, { src: page.href, title: clip.id, width: "100%", height });
    frame.setAttribute("loading", "lazy");
    snippet.value = frame.outerHTML;
    copy.onclick = async () => {
      snippet.select();
      if (await copied(snippet.value)) copy.textContent = tr("Copied");
    };
    copy.textContent = tr("Copy");
    dialog.showModal();
  }

  Object.assign(window.Almbench, { readAddress, addressOf, writeAddress, copyLink, showEmbed });
})();
