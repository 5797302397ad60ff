/* What is in play: one engine, so that one clip is in memory and one sound is heard. */

"use strict";

window.Almbench = window.Almbench || {};

(() => {
  const { Engine, Plain, letter, random, request, shuffled, tr } = window.Almbench;
  const lot = random(Math.floor(Math.random() * 2 ** 32));
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  /* A clip: what is known of it at once, and its choice, place and loop, which outlive its sound in
     memory. A version is known by the index of its system; the original is 0. */
  class Clip {
    constructor([id, key, text, speaker, seconds, silent], set, index) {
      Object.assign(this, { id, key, text, speaker, set, index, silent: silent ?? {} });
      this.duration = seconds ?? 0;
      this.heard = [...set.systems.keys()].filter((i) => !(i in this.silent));
      [this.position, this.selected, this.looping, this.ends] = [0, 0, false, [null, null]];
      this.warning = "";
    }

    /** Its sounds, pictures, scores and notes: a promise. */
    details() {
      return request(`clips/${this.key}.js`);
    }
  }

  /** The clips of a test set, from a page's data. */
  function takeSet(data) {
    const set = { ...data };
    set.clips = data.clips.map((line, i) => new Clip(line, set, i));
    return set;
  }

  /**
   * What plays and how. `watch` is told of every change, `onmove` as the position moves on.
   */
  class Deck {
    #watchers = [];
    #round = 0; // of blindness: each has its own orders
    #following = false;

    constructor() {
      // `clip` is the one that keys and card act on; its sounds are in memory where `ready`.
      [this.clip, this.loading, this.ready] = [null, false, false];
      [this.blind, this.matched] = [false, true];
      this.onmove = () => {};
      this.say = () => {};
      this.engine = Engine.available ? new Engine() : new Plain();
      this.engine.onchange = () => this.changed();
      this.engine.onerror = (error) => this.#fail(this.clip, error);
    }

    watch(watcher) {
      this.#watchers.push(watcher);
    }

    changed() {
      this.keepPosition();
      for (const watcher of this.#watchers) watcher();
      if (this.playing) this.#follow();
    }

    get playing() {
      return this.ready && this.engine.playing;
    }

    /** Whether a version can be heard at once. */
    here(clip, version) {
      return this.clip === clip && this.ready && this.engine.has(clip.heard.indexOf(version));
    }

    /** A press on a version: play it, switch to it in step, or pause it. */
    async press(clip, version) {
      if (clip !== this.clip || !(this.ready || this.loading)) await this.#load(clip, version);
      else if (version !== clip.selected) {
        this.select(clip, version);
        if (this.ready && !this.playing) this.engine.play();
      } else this.toggle(clip);
    }

    async toggle(clip) {
      if (clip !== this.clip || !(this.ready || this.loading))
        await this.#load(clip, clip.selected);
      else if (this.loading) this.rest();
      else this.engine.toggle();
    }

    /** Stop, and let go of the sounds; the clip stays the one to act on. */
    rest() {
      this.#leave();
      this.engine.free();
    }

    /** Make a clip the one to act on, without playing it. */
    point(clip) {
      if (clip === this.clip) return;
      this.rest();
      this.clip = clip;
      this.changed();
    }

    select(clip, version) {
      if (!clip.heard.includes(version)) return;
      clip.selected = version;
      if (this.clip === clip && this.ready) this.engine.select(clip.heard.indexOf(version));
      this.say(this.label(clip, version));
      this.changed();
    }

    seek(clip, seconds) {
      clip.position = Math.min(Math.max(seconds, 0), clip.duration);
      if (this.clip === clip && this.ready) this.engine.seek(clip.position);
      this.changed();
    }

    setEnd(clip, which) {
      this.keepPosition();
      clip.ends[which] = clip.position;
      if (which === 0 && clip.ends[1] !== null && clip.ends[1] <= clip.position)
        clip.ends[1] = null;
      if (which === 1 && (clip.ends[0] ?? 0) >= clip.position) clip.ends[0] = null;
      clip.looping = clip.ends[1] !== null;
      this.#applyLoop(clip);
      this.say(
        which
          ? tr("Loop ends at {seconds} seconds", { seconds: clip.ends[which].toFixed(1) })
          : tr("Loop begins at {seconds} seconds", { seconds: clip.ends[which].toFixed(1) }),
      );
    }

    toggleLoop(clip) {
      clip.looping = !clip.looping;
      this.#applyLoop(clip);
      this.say(clip.looping ? tr("Loop on") : tr("Loop off"));
    }

    match(on) {
      this.matched = on;
      this.engine.matchLoudness(on);
      this.changed();
      this.say(on ? tr("Loudness matched") : tr("Loudness as made"));
    }

    toggleBlind() {
      this.blind = !this.blind;
      if (this.blind) this.#round += 1;
      // What was chosen by name must not be known by its letter.
      if (this.blind && this.clip) this.select(this.clip, 0);
      this.changed();
      this.say(this.blind ? tr("Names hidden, order shuffled") : tr("Names shown"));
    }

    /** The versions of a clip as they are listed; where blind, in an order of its own. */
    order(clip) {
      if (!this.blind) return [...clip.set.systems.keys()];
      if (clip.round !== this.#round) {
        const others = clip.heard.filter((i) => i !== 0);
        const drawn = shuffled(others.length, lot).map((i) => others[i]);
        [clip.round, clip.drawn, clip.selected] = [this.#round, [0, ...drawn], 0];
      }
      return clip.drawn;
    }

    /** The name of a version for readers. */
    label(clip, version) {
      if (this.blind) {
        const place = this.order(clip).indexOf(version);
        return place ? letter(place - 1) : tr("Original");
      }
      const { label, rate } = clip.set.systems[version];
      return rate ? `${label}, ${rate}` : label;
    }

    /** What a version was called while names were hidden; empty where they were not. */
    was(clip, version) {
      const place = clip.round === this.#round && clip.drawn?.indexOf(version);
      return !this.blind && place > 0 ? letter(place - 1) : "";
    }

    keepPosition() {
      if (this.ready) this.clip.position = this.engine.position;
    }

    async #load(clip, version) {
      this.#leave();
      this.engine.free();
      this.engine.wake();
      [this.clip, this.loading, clip.warning] = [clip, true, ""];
      this.order(clip);
      clip.selected = clip.heard.includes(version) ? version : clip.heard[0];
      this.changed();
      try {
        const { versions } = await clip.details();
        if (this.clip !== clip || !this.loading) return;
        const sounds = clip.heard.map((i) => versions[i]);
        const gains = sounds.map(({ gain, url }) => ({ url, gain: 10 ** ((gain ?? 0) / 20) }));
        await this.engine.load(gains, clip.heard.indexOf(clip.selected));
        [this.loading, this.ready] = [false, true];
        this.#enter(clip);
        this.engine.play();
      } catch (error) {
        if (error.name !== "AbortError") this.#fail(clip, error);
      }
    }

    /* The sound is in memory: go on as it was left. */
    #enter(clip) {
      const { position } = clip;
      clip.duration = this.engine.duration;
      this.engine.select(clip.heard.indexOf(clip.selected));
      this.#applyLoop(clip);
      this.engine.seek(position < clip.duration ? position : 0);
    }

    #leave() {
      this.keepPosition();
      [this.loading, this.ready] = [false, false];
    }

    #fail(clip, error) {
      if (clip === this.clip) this.loading = false;
      clip.warning = error.message;
      this.changed();
    }

    #applyLoop(clip) {
      if (this.clip === clip && this.ready) {
        const { engine } = this;
        if (clip.looping) engine.setLoop(clip.ends[0] ?? 0, clip.ends[1] ?? clip.duration);
        else engine.clearLoop();
        if (engine.loop) clip.ends = engine.loop;
      }
      this.changed();
    }

    #follow() {
      if (this.#following) return;
      this.#following = true;
      const step = () => {
        this.#following = this.playing;
        if (!this.#following) return;
        this.keepPosition();
        this.onmove();
        if (calm.matches) setTimeout(step, 250);
        else requestAnimationFrame(step);
      };
      step();
    }
  }

  Object.assign(window.Almbench, { Deck, takeSet });
})();
