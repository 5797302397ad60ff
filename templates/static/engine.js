/* Plays several versions of one sound in step, and switches between them without a gap.

   Every version is decoded whole; all must be of one length. A "take" is one run of playing: a source
   node for each version, all on the same frame of the context's clock, each behind its own gain. Only
   the selected version's gain is open, so that switching moves gains and nothing else. What must
   restart the sources (a seek, another loop) starts a new take and cross-fades to it. */

"use strict";

window.Almbench = window.Almbench || {};

(() => {
  const { tr = (text) => text } = window.Almbench; // the engine stands alone, too
  const LEAD = 0.01; // seconds ahead at which changes are set, so that none lies in the past
  const SHORTEST_LOOP = 0.5; // seconds

  /* A gain that moves in straight lines, and knows where it is at any time. */
  class Fader {
    constructor(context, value) {
      this.node = new GainNode(context, { gain: value });
      this.param = this.node.gain;
      this.param.setValueAtTime(value, 0);
      this.from = this.to = value;
      this.start = this.end = 0;
    }

    at(time) {
      if (time >= this.end) return this.to;
      if (time <= this.start) return this.from;
      return this.from + ((this.to - this.from) * (time - this.start)) / (this.end - this.start);
    }

    move(value, start, fade) {
      const here = this.at(start);
      // Cancelling takes away a line that is being drawn, so its part up to here is drawn again.
      this.param.cancelScheduledValues(start);
      this.param.linearRampToValueAtTime(here, start);
      this.param.linearRampToValueAtTime(value, start + fade);
      [this.from, this.to, this.start, this.end] = [here, value, start, start + fade];
    }
  }

  /* One run of playing from an offset on, looped or to the end. */
  class Take {
    constructor(context, { at, offset, loop, fade, onended }) {
      Object.assign(this, { context, at, offset, loop, fade, onended, versions: [] });
      // The sound's own beginning stays as it is, and a loop's beginning has its own fade.
      this.master = new Fader(context, offset === (loop ? loop[0] : 0) ? 1 : 0);
      this.master.move(1, at, fade);
      this.master.node.connect(context.destination);
      this.out = loop ? this.#seam(context) : this.master.node;
    }

    /* Start a version's source, at the frame that the others will have reached by then. */
    join(index, buffer, level, at) {
      const late = at > this.at;
      const fader = new Fader(this.context, late ? 0 : level);
      if (late) fader.move(level, at, this.fade);
      fader.node.connect(this.out);
      const source = new AudioBufferSourceNode(this.context, { buffer });
      if (this.loop) {
        Object.assign(source, { loop: true, loopStart: this.loop[0], loopEnd: this.loop[1] });
      }
      source.connect(fader.node);
      source.start(at, this.position(at));
      source.onended = () => this.onended(this);
      this.versions[index] = { source, fader };
    }

    /* A gain that closes and opens around the seam: its course is a sound of the loop's length,
       looped beside the versions, so that it keeps to the frame however long it runs. */
    #seam(context) {
      const [start, end] = this.loop;
      const length = Math.round((end - start) * context.sampleRate);
      const edge = Math.min(Math.round(this.fade * context.sampleRate), length >> 1);
      const course = new Float32Array(length).fill(1);
      for (let i = 0; i < edge; i++) course[i] = course[length - 1 - i] = i / edge;
      const buffer = new AudioBuffer({ length, sampleRate: context.sampleRate });
      buffer.copyToChannel(course, 0);
      const gain = new GainNode(context, { gain: 0 });
      gain.connect(this.master.node);
      this.course = new AudioBufferSourceNode(context, { buffer, loop: true });
      this.course.connect(gain.gain);
      this.course.start(this.at, this.offset - start);
      return gain;
    }

    position(time) {
      const here = this.offset + Math.max(0, time - this.at);
      if (!this.loop || here < this.loop[1]) return here;
      const [start, end] = this.loop;
      return start + ((here - start) % (end - start));
    }

    stop(at) {
      this.master.move(0, at, this.fade);
      this.course?.stop(at + this.fade);
      this.versions.forEach(({ source }) => source.stop(at + this.fade));
    }
  }

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
