/* The sound of the blind tests: the controls that both tests share. */

"use strict";

window.Almbench = window.Almbench || {};

(() => {
  const { tr } = window.Almbench;

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
      const { Engine, Plain } = window.Almbench;
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
      this.#say(tr("Loading the sounds …"));
      try {
        await this.player.load(versions);
      } catch (error) {
        if (versions !== this.#versions) return false; // others are wanted by now
        this.#loading = null;
        this.#say(`${error.message} ${tr("Press a button that plays to try again.")}`);
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
      toggle.textContent = playing ? tr("Pause") : tr("Play");
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
