/* Plays several versions of one sound in step, and switches between them without a gap.

   Every version is decoded whole; all must be of one length. What must restart the sources (a seek,
   another loop) starts a new take and cross-fades to it; switching moves gains and nothing else. */

"use strict";

window.Almbench = window.Almbench || {};

(() => {
  const { Take, tr = (text) => text } = window.Almbench; // the engine needs no other script
  const LEAD = 0.01; // seconds ahead at which changes are set, so that none lies in the past
  const SHORTEST_LOOP = 0.5; // seconds

  /**
   * The player of one clip's versions.
   *
   * Times are seconds, gains are linear. Loudness matching is on at first. `onchange` is called
   * after every change of state, but not as the position moves on; `onerror` with an Error where a
   * version fails after `load` was done.
   */
  class Engine {
    #context;
    #fade;
    #buffers = [];
    #gains = [];
    #matched = true;
    #selected = 0;
    #loop = null;
    #take = null;
    #rest = 0; // the position while not playing
    #ended = false;
    #fetching = null;

    /** Whether sounds can be fetched and decoded here; they cannot on a page opened from disk. */
    static get available() {
      const served = ["http:", "https:"].includes(location.protocol);
      return served && "AudioContext" in window && "fetch" in window;
    }

    /**
     * @param {object} options
     * @param {number} options.fade - Length of every cross-fade.
     * @param {BaseAudioContext} options.context - Where to play; the speakers if left out.
     */
    constructor({ fade = 0.01, context = null } = {}) {
      this.#fade = fade;
      this.#context = context;
      this.onchange = () => {};
      this.onerror = () => {};
    }

    get position() {
      return this.#take ? Math.min(this.#take.position(this.#now), this.duration) : this.#rest;
    }
    get duration() {
      return Math.max(0, ...Object.values(this.#buffers).map((buffer) => buffer.duration));
    }
    get playing() {
      return this.#take !== null;
    }
    get ended() {
      return this.#ended;
    }
    get selected() {
      return this.#selected;
    }
    get matched() {
      return this.#matched;
    }
    /** The loop's start and end, or null. */
    get loop() {
      return this.#loop && [...this.#loop];
    }

    /**
     * Fetch and decode the versions of a clip; what was loaded before is freed.
     *
     * To be called in the handler of a click or key, or browsers keep the sound off. The position
     * is 0 afterwards, no loop is set, and the first version is selected, or the urgent one.
     *
     * @param {{url: string, gain: number}[]} versions - `gain` matches their loudness.
     * @param {number} [urgent] - Version that is fetched first; then this is done as soon as it can
     *   be played, and the others join as they come, silent until then.
     * @throws {Error} A sound cannot be had, with a message for the reader; its name is
     *   "AbortError" if another `load` or `free` came in between.
     */
    async load(versions, urgent) {
      this.free();
      this.wake();
      this.#fetching = new AbortController();
      const { signal } = this.#fetching;
      const get = async (index) => {
        const buffer = await this.#decode(versions[index].url, signal);
        signal.throwIfAborted();
        this.#add(index, buffer);
      };
      const all = (indices) => Promise.all([...indices].map(get));
      this.#gains = versions.map(({ gain }) => gain);
      this.#selected = urgent ?? 0;
      try {
        await (urgent === undefined ? all(versions.keys()) : get(urgent));
      } catch (error) {
        if (!signal.aborted) this.free(); // the others need not go on
        throw error;
      }
      if (urgent === undefined) return;
      all([...versions.keys()].filter((index) => index !== urgent)).catch((error) => {
        if (!signal.aborted) this.onerror(error);
      });
    }

    /** Whether a version is there to be heard. */
    has(index) {
      return index in this.#buffers;
    }

    /** Stop, and let go of what is loaded. */
    free() {
      this.#fetching?.abort();
      this.#halt(this.#soon);
      [this.#buffers, this.#gains, this.#loop] = [[], [], null];
      [this.#rest, this.#selected, this.#ended] = [0, 0, false];
      this.onchange();
    }

    play() {
      if (this.#take || !this.duration) return;
      this.wake();
      this.#start(this.#rest < this.duration ? this.#rest : 0, this.#soon);
      this.onchange();
    }

    pause() {
      this.#halt(this.#soon);
      this.onchange();
    }

    toggle() {
      if (this.#take) this.pause();
      else this.play();
    }

    /** Go to a position; with a loop, to its start from anywhere outside. */
    seek(seconds) {
      this.#move(seconds);
      this.onchange();
    }

    /** Switch to a version, at the same position. */
    select(index) {
      if (!(index in this.#gains)) throw new RangeError(`There is no version ${index}.`);
      this.#selected = index;
      this.#level();
      this.onchange();
    }

    setGain(index, linear) {
      this.#gains[index] = linear;
      this.#level();
      this.onchange();
    }

    matchLoudness(on) {
      this.#matched = on;
      this.#level();
      this.onchange();
    }

    /** Repeat what lies between two times, in any order; widened to half a second where shorter. */
    setLoop(a, b) {
      const shortest = Math.min(SHORTEST_LOOP, this.duration);
      const start = Math.max(0, Math.min(a, b, this.duration - shortest));
      const end = Math.min(this.duration, Math.max(a, b, start + shortest));
      this.#loop = [this.#whole(start), this.#whole(end)];
      this.#move();
      this.onchange();
    }

    clearLoop() {
      if (!this.#loop) return;
      this.#loop = null;
      this.#move();
      this.onchange();
    }

    get #now() {
      return this.#context ? this.#context.currentTime : 0;
    }

    /* The time for a change, on a frame: between frames, sources would be interpolated. */
    get #soon() {
      return this.#whole(this.#now + LEAD);
    }

    #whole(seconds) {
      const rate = this.#context?.sampleRate ?? 1;
      return Math.round(seconds * rate) / rate;
    }

    /** Make sound allowed: to be called in the handler of a click or key. */
    wake() {
      this.#context ??= new AudioContext({ latencyHint: "interactive" });
      if (!(this.#context instanceof AudioContext)) return; // an offline one runs by itself
      if (navigator.audioSession) navigator.audioSession.type = "playback"; // sounds on a muted iPhone
      if (this.#context.state !== "running") this.#context.resume();
    }

    async #decode(url, signal) {
      const answer = await fetch(url, { signal }).catch((error) => {
        if (error.name === "AbortError") throw error;
        throw new Error(tr("The sound could not be fetched. Is the connection up?"));
      });
      if (!answer.ok)
        throw new Error(`${tr("The sound could not be fetched")} (status ${answer.status}).`);
      const bytes = await answer.arrayBuffer();
      return this.#context.decodeAudioData(bytes).catch(() => {
        throw new Error(tr("This browser cannot decode the sound."));
      });
    }

    #levels() {
      const level = (gain) => (this.#matched ? gain : 1);
      return this.#gains.map((gain, i) => (i === this.#selected ? level(gain) : 0));
    }

    #level() {
      if (!this.#take) return;
      const levels = this.#levels();
      const soon = this.#soon;
      this.#take.versions.forEach(({ fader }, i) => fader.move(levels[i], soon, this.#fade));
    }

    #add(index, buffer) {
      this.#buffers[index] = buffer;
      this.#take?.join(index, buffer, this.#levels()[index], this.#soon);
      this.onchange();
    }

    #start(from, at) {
      this.#ended = false;
      this.#take = new Take(this.#context, {
        at,
        offset: this.#whole(from),
        loop: this.#loop,
        fade: this.#fade,
        onended: (take) => this.#finish(take),
      });
      const levels = this.#levels();
      this.#buffers.forEach((buffer, i) => this.#take.join(i, buffer, levels[i], at));
    }

    #halt(at) {
      if (!this.#take) return;
      this.#rest = Math.min(this.#take.position(at), this.duration);
      this.#take.stop(at);
      this.#take = null;
    }

    #finish(take) {
      if (take !== this.#take) return; // it was stopped, and is not the end
      [this.#take, this.#rest, this.#ended] = [null, this.duration, true];
      this.onchange();
    }

    /* Stay here, or go elsewhere; then start anew if it was playing. */
    #move(seconds) {
      if (!this.duration) return;
      const [playing, soon] = [this.playing, this.#soon];
      this.#halt(soon);
      const wanted = Math.min(Math.max(seconds ?? this.#rest, 0), this.duration);
      const outside = this.#loop && (wanted < this.#loop[0] || wanted >= this.#loop[1]);
      this.#rest = outside ? this.#loop[0] : wanted;
      this.#ended = false;
      if (playing) this.#start(this.#rest, soon);
    }
  }

  window.Almbench.Engine = Engine;
})();
