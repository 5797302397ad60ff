/* The sound of the blind tests: the engine, or plain audio elements where there is none, and the
   controls that both tests share. */

"use strict";

window.Almbench = window.Almbench || {};

(() => {
  const SHORTEST_LOOP = 0.5; // seconds

  /* The engine's stand-in on a page opened from disk: an audio element for each version. All play
     and all but one are muted, so that a switch needs no seek; but each starts when it can. */
  class Plain {
    #sounds = [];
    #selected = 0;
    #loop = null;
    #playing = false;

    constructor() {
      this.onchange = () => {};
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

    async load(versions) {
      this.pause();
      [this.#selected, this.#loop] = [0, null];
      const sounds = versions.map(({ url, gain }) => {
        const sound = new Audio(url);
        sound.volume = gain;
        return sound;
      });
      this.#sounds = sounds;
      await Promise.all(sounds.map(ready));
      for (const sound of sounds) {
        sound.ontimeupdate = () => sound === this.#sound && this.#wrap();
        sound.onended = () => sound === this.#sound && this.#finish();
        sound.onerror = () => this.#recover(sound);
      }
      this.#switch();
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
      this.#sounds.forEach((sound) => sound.pause());
      this.onchange();
    }

    seek(seconds) {
      for (const sound of this.#sounds) sound.currentTime = seconds;
      this.onchange();
    }

    select(index) {
      this.#selected = index;
      this.#switch();
      if (this.#playing && this.#sound.ended) this.#finish();
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
      this.#sounds.forEach((sound, i) => (sound.muted = i !== this.#selected));
    }

    #wrap() {
      if (this.#playing && this.#loop && this.position >= this.#loop[1]) this.#restart();
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
      sound.onerror = () => reject(new Error("A sound of this test cannot be played here."));
      sound.preload = "auto";
      sound.load();
    });
  }

  /**
   * The controls of one set of versions, and who hears what.
   *
   * `onheard(index)` is called whenever a version begins to be heard, `onchange()` after every
   * change of state.
   */
  class Sound {
    #versions = [];
    #loading = null;
    #ends = null; // of the loop; null for the whole clip
    #repeat = true;

    /** @param {HTMLElement} root - Holds the controls, each named by `data-sound`. */
    constructor(root) {
      const { Engine } = window.Almbench;
      this.synchronous = Engine.available;
      this.player = Engine.available ? new Engine() : new Plain();
      this.player.onchange = () => this.#draw();
      this.onheard = this.onchange = () => {};
      this.parts = {};
      for (const part of root.querySelectorAll("[data-sound]"))
        this.parts[part.dataset.sound] = part;
      const { toggle, position, repeat, from, to, whole } = this.parts;
      toggle.onclick = () => this.toggle();
      position.oninput = () => this.player.seek(Number(position.value));
      repeat.onchange = () => this.repeat(repeat.checked);
      from.onclick = () => this.loopFrom();
      to.onclick = () => this.loopTo();
      whole.onclick = () => this.loopWhole();
    }

    get playing() {
      return this.player.playing;
    }

    /**
     * Take other versions; to be called in the handler of a click or key, or they may stay mute.
     *
     * @param {{url: string, gain: number}[]} versions
     */
    open(versions) {
      [this.#versions, this.#loading, this.#ends] = [versions, null, null];
      return this.#load();
    }

    /** Play a version, from where the last one is. */
    async hear(index) {
      if (!(await this.#load())) return;
      this.player.select(index);
      if (!this.player.playing) this.player.play();
      this.onheard(index);
    }

    async toggle() {
      if (this.player.playing) this.player.pause();
      else await this.hear(this.player.selected);
    }

    pause() {
      this.player.pause();
    }

    move(seconds) {
      this.player.seek(this.player.position + seconds);
    }

    repeat(on) {
      this.#repeat = on;
      this.#loop();
    }

    toggleRepeat() {
      this.repeat(!this.#repeat);
    }

    loopFrom() {
      const [here, { duration }] = [this.player.position, this.player];
      const end = this.#ends?.[1] ?? duration;
      this.#between(here, end > here ? end : duration);
    }

    loopTo() {
      const here = this.player.position;
      const start = this.#ends?.[0] ?? 0;
      this.#between(start < here ? start : 0, here);
    }

    loopWhole() {
      this.#between(0, this.player.duration);
    }

    #between(start, end) {
      [this.#ends, this.#repeat] = [[start, end], true];
      this.#loop();
    }

    #loop() {
      if (!this.player.duration) return;
      if (this.#repeat) this.player.setLoop(...(this.#ends ?? [0, this.player.duration]));
      else this.player.clearLoop();
      this.#draw();
    }

    /* Whether the versions are here; a load that failed is tried again. */
    #load() {
      this.#loading ??= this.#fetch(this.#versions);
      return this.#loading;
    }

    async #fetch(versions) {
      this.#say("Loading the sounds …");
      try {
        await this.player.load(versions);
      } catch (error) {
        if (versions !== this.#versions) return false; // others are wanted by now
        this.#loading = null;
        this.#say(`${error.message} Press a button that plays to try again.`);
        return false;
      }
      this.#say("");
      this.#loop();
      return versions === this.#versions;
    }

    #say(text) {
      this.parts.message.textContent = text;
    }

    #draw() {
      const { toggle, position, repeat, region, time } = this.parts;
      const { duration, playing, loop } = this.player;
      toggle.textContent = playing ? "Pause" : "Play";
      position.max = duration;
      repeat.checked = this.#repeat;
      const [start, end] = loop ?? [0, duration];
      region.hidden = !loop || !duration;
      region.style.setProperty("--from", `${(100 * start) / (duration || 1)}%`);
      region.style.setProperty("--to", `${(100 * end) / (duration || 1)}%`);
      this.#move();
      // Not as it moves on, or a screen reader would talk over the sound.
      position.setAttribute("aria-valuetext", time.textContent);
      this.onchange();
    }

    #move() {
      const { position, time } = this.parts;
      const here = this.player.position;
      position.value = here;
      time.textContent = `${here.toFixed(1)} of ${this.player.duration.toFixed(1)} s`;
      cancelAnimationFrame(this.frame);
      if (this.player.playing) this.frame = requestAnimationFrame(() => this.#move());
    }
  }

  window.Almbench.Sound = Sound;
})();
