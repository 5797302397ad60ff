/* The engine on a real implementation of Web Audio. Two versions are ramps whose value tells the
   time: from 0 to 0.4 and from 0.5 to 0.9, over two seconds. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import vm from "node:vm";
import * as webAudio from "node-web-audio-api";

const RATE = 48_000;
const LEAD = 0.01;
const FADE = 0.02;

Object.assign(globalThis, webAudio, { window: globalThis, location: { protocol: "http:" } });
for (const name of ["take.js", "engine.js"]) {
  const path = fileURLToPath(new URL(`../../templates/static/${name}`, import.meta.url));
  vm.runInThisContext(readFileSync(path, "utf8"), { filename: path });
}
const { Engine } = globalThis.Almbench;

/** A WAV file of floats, as an address. */
function address(samples, rate = RATE) {
  const bytes = Buffer.alloc(44 + 4 * samples.length);
  bytes.write("RIFF", 0);
  bytes.writeUInt32LE(36 + 4 * samples.length, 4);
  bytes.write("WAVEfmt ", 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(3, 20); // floats
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(rate, 24);
  bytes.writeUInt32LE(4 * rate, 28);
  bytes.writeUInt16LE(4, 32);
  bytes.writeUInt16LE(32, 34);
  bytes.write("data", 36);
  bytes.writeUInt32LE(4 * samples.length, 40);
  samples.forEach((value, i) => bytes.writeFloatLE(value, 44 + 4 * i));
  return `data:audio/wav;base64,${bytes.toString("base64")}`;
}

const ramp = (from) => address(Array.from({ length: 2 * RATE }, (_, i) => from + (0.2 * i) / RATE));
const RAMPS = [
  { url: ramp(0), gain: 1 },
  { url: ramp(0.5), gain: 0.5 },
];

async function loaded(versions = RAMPS, seconds = 2) {
  const context = new OfflineAudioContext(1, seconds * RATE, RATE);
  const engine = new Engine({ context, fade: FADE });
  await engine.load(versions);
  return { context, engine };
}

/** What is heard if something is done at given times, after the start. */
async function heard({ context, engine }, steps = {}) {
  engine.play();
  for (const [at, act] of Object.entries(steps)) {
    context.suspend(Number(at)).then(() => {
      act(engine);
      context.resume();
    });
  }
  // This package takes note of suspensions in a thread of its own, and must have done so by now.
  await new Promise((resolve) => setTimeout(resolve, 100));
  return (await context.startRendering()).getChannelData(0);
}

const near = (got, due, within = 1e-5) =>
  assert.ok(Math.abs(got - due) <= within, `${got} is not ${due}`);
const at = (sound, seconds) => sound[Math.round(seconds * RATE)];

test("a switch cross-fades in a straight line, at the same place in time", async () => {
  const sound = await heard(await loaded(), { 1: (engine) => engine.select(1) });
  const first = (time) => 0.2 * (time - LEAD);
  const second = (time) => 0.5 * (0.5 + first(time)); // its gain is one half
  near(at(sound, 1), first(1));
  for (const part of [0.25, 0.5, 0.75]) {
    const time = 1 + LEAD + part * FADE;
    near(at(sound, time), (1 - part) * first(time) + part * second(time), 2e-4);
  }
  near(at(sound, 1.5), second(1.5));
});

test("a switch during a fade goes on from where the fade was", async () => {
  const steps = { 1: (engine) => engine.select(1), 1.008: (engine) => engine.select(0) };
  const sound = await heard(await loaded(), steps);
  let largest = 0;
  for (let i = 0.9 * RATE; i < 1.2 * RATE; i++) {
    largest = Math.max(largest, Math.abs(sound[i] - sound[i - 1]));
  }
  assert.ok(largest < 0.5 / (FADE * RATE), `a step of ${largest}`);
  near(at(sound, 1.2), 0.2 * (1.2 - LEAD));
});

test("loudness matching can be turned off and on, and gains be changed", async () => {
  const steps = {
    0.5: (engine) => engine.matchLoudness(false),
    1: (engine) => engine.matchLoudness(true),
    1.5: (engine) => engine.setGain(1, 0.25),
  };
  const both = await loaded();
  both.engine.select(1);
  const sound = await heard(both, steps);
  for (const [time, gain] of [
    [0.4, 0.5],
    [0.9, 1],
    [1.4, 0.5],
    [1.9, 0.25],
  ]) {
    near(at(sound, time), gain * (0.5 + 0.2 * (time - LEAD)));
  }
});

test("a loop comes back to the same frame, and its ends are faded", async () => {
  const both = await loaded(RAMPS, 4);
  both.engine.setLoop(1.2, 0.5);
  assert.deepEqual(both.engine.loop, [0.5, 1.2]);
  assert.equal(both.engine.position, 0.5);
  const sound = await heard(both);
  for (const lap of [0, 1, 2, 3, 4]) {
    near(at(sound, LEAD + 0.7 * lap + 0.35), 0.2 * 0.85, 2e-5);
    near(at(sound, LEAD + 0.7 * lap + FADE / 2), 0.2 * (0.5 + FADE / 2) * 0.5, 2e-3);
    near(at(sound, LEAD + 0.7 * lap), 0, 1e-3);
  }
});

test("loops are put in order, kept within the sound and at least half a second long", async () => {
  const { engine } = await loaded();
  for (const [asked, got] of [
    [
      [0.5, 1.5],
      [0.5, 1.5],
    ],
    [
      [1.5, 0.5],
      [0.5, 1.5],
    ],
    [
      [-3, 9],
      [0, 2],
    ],
    [
      [0.7, 0.8],
      [0.7, 1.2],
    ],
    [
      [1.9, 2],
      [1.5, 2],
    ],
    [
      [1, 1],
      [1, 1.5],
    ],
  ]) {
    engine.setLoop(...asked);
    assert.deepEqual(engine.loop, got);
  }
  engine.clearLoop();
  assert.equal(engine.loop, null);
});

test("a place outside the sound or the loop is brought inside", async () => {
  const { engine } = await loaded();
  for (const [asked, got] of [
    [-1, 0],
    [0.25, 0.25],
    [5, 2],
  ]) {
    engine.seek(asked);
    assert.equal(engine.position, got);
  }
  engine.setLoop(0.5, 1.5);
  for (const [asked, got] of [
    [0, 0.5],
    [1, 1],
    [1.5, 0.5],
    [2, 0.5],
  ]) {
    engine.seek(asked);
    assert.equal(engine.position, got);
  }
});

test("at the end it stops, says so, and begins anew", async () => {
  const both = await loaded([{ url: address(Array(RATE / 2).fill(0.5)), gain: 1 }], 1);
  let changes = 0;
  both.engine.onchange = () => changes++;
  await heard(both);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const { playing, ended, position } = both.engine;
  assert.deepEqual({ playing, ended, position }, { playing: false, ended: true, position: 0.5 });
  assert.ok(changes >= 2);
  both.engine.play();
  assert.equal(both.engine.position, 0);
  assert.equal(both.engine.ended, false);
});

test("without a sound nothing plays, loops or moves", () => {
  const engine = new Engine({ context: new OfflineAudioContext(1, RATE, RATE) });
  engine.play();
  engine.setLoop(0, 1);
  engine.seek(1);
  const { playing, position, duration } = engine;
  assert.deepEqual({ playing, position, duration }, { playing: false, position: 0, duration: 0 });
  assert.throws(() => engine.select(0), RangeError);
});

test("freeing forgets everything", async () => {
  const { engine } = await loaded();
  engine.select(1);
  engine.setLoop(0.5, 1.5);
  engine.free();
  const { duration, selected, loop, position } = engine;
  assert.deepEqual(
    { duration, selected, loop, position },
    {
      duration: 0,
      selected: 0,
      loop: null,
      position: 0,
    },
  );
  assert.equal(engine.has(0), false);
});

test("what cannot be had is said in words", async () => {
  const { engine } = await loaded();
  const text = "data:text/plain,This%20is%20no%20sound.";
  await assert.rejects(engine.load([{ url: text, gain: 1 }]), /cannot decode/);
  await assert.rejects(engine.load([{ url: "nowhere:", gain: 1 }]), /could not be fetched/);
  assert.equal(engine.duration, 0);
});

test("a later load takes the place of an earlier one", async () => {
  const { engine } = await loaded();
  const earlier = engine.load(RAMPS);
  const later = engine.load([RAMPS[1]]);
  await assert.rejects(earlier, { name: "AbortError" });
  await later;
  assert.deepEqual([engine.has(0), engine.has(1)], [true, false]);
});

test("a page from the disk has no engine", () => {
  assert.equal(Engine.available, true);
  globalThis.location = { protocol: "file:" };
  assert.equal(Engine.available, false);
  globalThis.location = { protocol: "http:" };
});
