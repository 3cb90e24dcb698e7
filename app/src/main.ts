/** The app: camera or photo in, chosen background out. What happens when, and in which words it is said. */
import { Camera, CameraError, type Trouble } from "./camera";
import { Clip } from "./clip";
import { contract } from "./contract";
import { Gauge } from "./gauge";
import { named } from "./give";
import { Live, type Timing } from "./live";
import * as looks from "./looks";
import { keep } from "./offline";
import { $, dialog, toast } from "./page";
import { canvasOf } from "./pictures";
import * as result from "./result";
import * as say from "./say";
import { Segmenter, type Answer } from "./segment/segmenter";
import { CanvasStage } from "./stage/canvas";
import type { Look, Stage } from "./stage/stage";
import { WebglStage } from "./stage/webgl";
import { fill, texts } from "./texts";

type State = "start" | "live" | "still";

/** Pixels of a photo's longer side: what a phone's canvas and GPU hold. */
const LARGEST = 4096;

const { look } = looks;
const video = $<HTMLVideoElement>("video");
const segmenter = new Segmenter();
let stage: Stage = open();
let state: State = "start";
let mustBlur = false;
let ready: Promise<unknown> | undefined;
/** Counts what the person asked for: what was asked for later overtakes what is still loading. */
let turn = 0;
let lostWhileHidden = false;
let reopen: () => void = () => {};

const camera = new Camera(video, (trouble) => {
  if (trouble === "lost") {
    lostWhileHidden = document.hidden;
    void leaveCamera(trouble);
  } else say.note(trouble ? texts[trouble] : "");
});
const live = new Live(video, segmenter, () => ({ stage, look: shownLook() }), { frame, failed });
const clip = new Clip(() => ({ canvas: stage.canvas, clear: look.kind === "clear", sound: $<HTMLInputElement>("sound").checked }));
const gauge = new Gauge({
  prepare: async () => {
    if (state !== "live") await startCamera();
    if (state !== "live") throw new Error("no camera");
    mustBlur = true;
  },
  release: () => (mustBlur = false),
  runtime: () => ({ name: "onnxruntime-web", backend: segmenter.plan?.backend ?? "", threads: segmenter.plan?.threads ?? 0 }),
  camera: () => ({ width: video.videoWidth, height: video.videoHeight, fps: camera.settings.frameRate ?? 0 }),
});

/** The GPU's stage, else the canvas's; where the GPU is taken away, the canvas's goes on. */
function open(): Stage {
  let made: Stage;
  try {
    if (new URLSearchParams(location.search).get("stage") === "canvas") throw new Error("as asked for");
    made = new WebglStage(() => {
      void clip.stop(texts.clipEnded);
      stage = new CanvasStage();
      $("holder").replaceChildren(stage.canvas);
      if (state === "still") reopen();
    });
  } catch {
    made = new CanvasStage();
  }
  $("holder").replaceChildren(made.canvas);
  return made;
}

function shownLook(): Look {
  return mustBlur ? { ...look, kind: "blur", strength: 0.5 } : look;
}

function enter(next: State): void {
  state = next;
  document.body.dataset.state = next;
  $("controls").hidden = next === "start";
  $("holder").hidden = next === "start";
  $("speed").hidden = next !== "live";
  for (const word of ["aria-label", "title"]) $("shoot").setAttribute(word, next === "still" ? texts.savePhoto : texts.photo);
  mirror();
  say.note("");
}

/** The preview is a mirror, as far as it is the person's own camera; what is saved never is. */
function mirror(): void {
  const box = $<HTMLInputElement>("mirror");
  box.closest("label")!.hidden = !camera.mirrored;
  $("holder").classList.toggle("mirrored", state === "live" && camera.mirrored && box.checked);
}

/** The network, loaded once; after a failure it is tried anew. */
function network(): Promise<unknown> {
  ready ??= segmenter.start().then(
    ({ backend, threads }) => {
      const engine = backend === "webgpu" ? texts.webgpu : `${texts.wasm}, ${threads} ${threads > 1 ? texts.threads : texts.thread}`;
      $("runs").textContent = `${engine}; ${stage.name}`;
    },
    (error) => {
      ready = undefined;
      throw error;
    },
  );
  return ready;
}

async function startCamera(facing = camera.facing): Promise<void> {
  const mine = ++turn;
  say.wait(true);
  live.stop();
  const loading = network();
  loading.catch(() => {});
  try {
    await camera.start(facing);
    await loading;
  } catch (error) {
    if (mine !== turn) return;
    camera.stop();
    enter("start");
    return say.trouble(error instanceof CameraError ? texts[error.trouble] : texts.engine, () => void startCamera(facing));
  }
  if (mine !== turn) return;
  say.wait(false);
  enter("live");
  live.start();
  $("flip").hidden = !(await camera.hasSeveral());
}

async function leaveCamera(why?: Trouble): Promise<void> {
  turn++;
  live.stop();
  gauge.interrupt(texts.measureLost);
  await clip.stop(why ? texts.clipEnded : undefined);
  camera.stop();
  say.wait(false);
  enter("start");
  if (why) say.trouble(texts[why], () => void startCamera());
}

async function openPhoto(file: Blob): Promise<void> {
  await leaveCamera();
  const mine = turn;
  say.wait(true);
  let picture;
  try {
    picture = await canvasOf(file, LARGEST);
  } catch {
    say.wait(false);
    return toast(texts.unreadable);
  }
  try {
    await network();
    if (mine !== turn) return;
    const answer = await segmenter.run(stage.grab(picture, picture.width, picture.height));
    if (mine !== turn) return;
    enter("still");
    reopen = () => void openPhoto(file);
    stage.show(answer.mask, look);
    remember({ at: performance.now(), latency: 0, network: answer.ms, presence: answer.presence }, answer);
    say.note(answer.presence < contract.presence.threshold ? texts.nobody : "");
    say.wait(false);
  } catch {
    if (mine !== turn) return;
    enter("start");
    say.trouble(ready ? texts.memory : texts.engine, () => void openPhoto(file));
  } finally {
    picture.width = picture.height = 0; // Safari gives a canvas's memory back late
  }
}

let absent = 0;
let rate = 0;
let before = 0;

function frame(timing: Timing, answer: Answer): void {
  remember(timing, answer);
  gauge.frame(timing);
  rate = rate ? 0.9 * rate + 0.1 * (timing.at - before) : timing.at - before || 33;
  before = timing.at;
  if (live.shown % 8 === 0) $("speed").textContent = `${(1000 / rate).toFixed(rate > 100 ? 1 : 0)} ${texts.perSecond} · ${Math.round(timing.network)} ${texts.ms}`;
  // a few frames in a row, so that a hand before the lens says nothing
  absent = timing.presence < contract.presence.threshold ? absent + 1 : 0;
  if (absent === 5) say.note(texts.nobody);
  else if (say.noted() === texts.paused || (absent === 0 && say.noted() === texts.nobody)) say.note("");
}

function failed(error: unknown): void {
  console.info(`fastportrait: ${error}`);
  void leaveCamera();
  ready = undefined;
  say.trouble(texts.memory, () => void startCamera());
}

/** The last timing and counts, for whoever looks at the page from outside: the tests, and the curious. */
function remember(timing: Timing, answer: Answer): void {
  Object.assign(window, { fastportrait: { timing, answer, live, segmenter, stage, state, version: __VERSION__ } });
}

async function shoot(): Promise<void> {
  try {
    const blob = await stage.photo(shownLook());
    result.show(new File([blob], named("portrait", "png", new Date()), { type: "image/png" }));
  } catch {
    toast(texts.failed);
  }
}

/** A page that nobody sees rests; phones take its camera away, which it then asks for again. */
function seen(): void {
  if (document.hidden && state === "live") {
    live.stop();
    say.note(texts.paused);
    void clip.stop(texts.clipHidden);
  } else if (!document.hidden && lostWhileHidden) void startCamera();
  else if (!document.hidden && state === "live") void camera.play().then(() => live.start());
  if (!document.hidden) lostWhileHidden = false;
}

fill(document);
looks.build(() => stage.redraw(shownLook()));
result.build();
say.build();
const about = dialog("about");
const file = $<HTMLInputElement>("file");
const on = (id: string, act: () => unknown) => $(id).addEventListener("click", () => void act());
on("about-open", () => about.showModal());
on("start", () => startCamera());
for (const id of ["pick", "pick-instead"]) on(id, () => file.click());
on("open", () => file.click());
on("shoot", shoot);
on("flip", () => startCamera(camera.facing === "user" ? "environment" : "user"));
on("leave", () => leaveCamera());
$("mirror").addEventListener("change", mirror);
file.addEventListener("change", () => {
  const [picture] = file.files ?? [];
  file.value = "";
  if (picture) void openPhoto(picture);
});
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  const picture = event.dataTransfer?.files[0];
  if (picture) void openPhoto(picture);
});
document.addEventListener("visibilitychange", seen);
enter("start");
void keep();
