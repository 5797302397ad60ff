/* The engine's stand-in on a page opened from disk, where no script may read a sound: an audio element
   for each version. All play and all but one are muted, so that a switch needs no seek; but each starts
   when it can, so that those that lag are brought back in step. */

"use strict";

window.Almbench = window.Almbench || {};

(() => {
  const { tr } = window.Almbench;
  const SHORTEST_LOOP = 0.5; // seconds
  const APART = 0.02; // seconds that a version may be off before it is moved

  class Plain {
    #sounds = [];
    #gains = [];
    #matched = true;
    #selected = 0;
    #loop = null;
    #playing = false;

    constructor() {
      this.onchange = this.onerror = () => {};
    }

    get #sound() {
      return this.#sounds[this.#selected];
    }
    get position() {
      return this.#sound?.currentTime ?? 0;
    }
    get duration() {
      return this.#sound?.duration || 0;
    }
    get playing() {
      return this.#playing;
    }
    get selected() {
      return this.#selected;
    }
    get loop() {
      return this.#loop && [...this.#loop];
    }

    /** How far the versions are apart, in seconds. */
    get spread() {
      const places = this.#sounds.map((sound) => sound.currentTime);
      return Math.max(...places) - Math.min(...places);
    }

    /** Audio elements need no waking. */
    wake() {}

    /** Whether a version is there to be heard. */
    has(index) {
      return index in this.#sounds;
    }

    async load(versions) {
      this.free();
      const sounds = versions.map(({ url }) => new Audio(url));
      [this.#sounds, this.#gains] = [sounds, versions.map(({ gain }) => gain)];
      this.#switch();
      await Promise.all(sounds.map(ready));
      if (sounds !== this.#sounds) throw new DOMException("Other sounds are wanted.", "AbortError");
      for (const sound of sounds) {
        sound.ontimeupdate = () => this.#keep();
        sound.onended = () => sound === this.#sound && this.#finish();
        sound.onerror = () => this.#recover(sound);
      }
      this.onchange();
    }

    /** Stop, and let go of what is loaded. */
    free() {
      this.#playing = false;
      for (const sound of this.#sounds) {
        sound.ontimeupdate = sound.onended = sound.onerror = null;
        sound.pause();
        sound.removeAttribute("src");
      }
      [this.#sounds, this.#gains, this.#selected, this.#loop] = [[], [], 0, null];
      this.onchange();
    }

    play() {
      if (!this.#sound) return;
      if (this.position >= this.duration) this.seek(0);
      this.#playing = true;
      this.#sounds.forEach(start);
      this.onchange();
    }

    pause() {
      this.#playing = false;
      for (const sound of this.#sounds) sound.pause();
      this.#align();
      this.onchange();
    }

    toggle() {
      if (this.#playing) this.pause();
      else this.play();
    }

    seek(seconds) {
      const wanted = Math.min(Math.max(seconds, 0), this.duration);
      for (const sound of this.#sounds) sound.currentTime = wanted;
      this.onchange();
    }

    select(index) {
      this.#align(); // the muted ones, so before this one is heard
      this.#selected = index;
      this.#switch();
      if (this.#playing && this.#sound.ended) this.#finish();
      this.onchange();
    }

    matchLoudness(on) {
      this.#matched = on;
      this.#switch();
      this.onchange();
    }

    setLoop(a, b) {
      const begin = Math.max(0, Math.min(a, b, this.duration - SHORTEST_LOOP));
      this.#loop = [begin, Math.min(this.duration, Math.max(a, b, begin + SHORTEST_LOOP))];
      this.onchange();
    }

    clearLoop() {
      this.#loop = null;
      this.onchange();
    }

    #switch() {
      this.#sounds.forEach((sound, i) => {
        sound.volume = this.#matched ? this.#gains[i] : 1;
        sound.muted = i !== this.#selected;
      });
    }

    #off(sound, here) {
      return Math.abs(sound.currentTime - here) > APART;
    }

    /* Go back to the loop's beginning, or keep in step. */
    #keep() {
      if (!this.#playing) return;
      if (this.#loop && this.position >= this.#loop[1]) this.#restart();
      else this.#align();
    }

    /* Bring the muted versions back in step, which nobody hears; but not near the end, see below. In
       Firefox they run ahead, and to their end, while the speakers are being opened for the other. */
    #align() {
      const here = this.position;
      if (here > this.duration - SHORTEST_LOOP) return;
      for (const sound of this.#sounds) {
        if (!sound.muted || sound.seeking || !this.#off(sound, here)) continue;
        sound.currentTime = here;
        if (this.#playing && sound.paused) start(sound);
      }
    }

    #finish() {
      if (this.#loop) this.#restart();
      else this.pause();
    }

    /* All of them: some may have come to their end, and stopped, before the others. */
    #restart() {
      this.seek(this.#loop?.[0] ?? 0);
      if (this.#playing) this.#sounds.forEach(start);
    }

    /* Chromium gives an element up that is sent to some places near the end of a FLAC without a
       seek table: load it anew, and go back to the beginning with all. */
    #recover(sound) {
      sound.load();
      this.#restart();
    }
  }

  function start(sound) {
    sound.play().catch(() => {}); // cut short by a pause, which is no fault
  }

  function ready(sound) {
    return new Promise((resolve, reject) => {
      sound.oncanplaythrough = resolve;
      sound.onerror = () => reject(new Error(tr("A sound cannot be played here.")));
      sound.preload = "auto";
      sound.load();
    });
  }

  window.Almbench.Plain = Plain;
})();
