/* One run of playing of several versions of a sound: a source node for each version, all on the same
   frame of the context's clock, each behind its own gain, of which only the selected one is open. */

"use strict";

window.Almbench = window.Almbench || {};

(() => {
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

  window.Almbench.Take = Take;
})();
