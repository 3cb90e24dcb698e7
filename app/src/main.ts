/** The app: camera or photo in, chosen background out. What happens when, and in which words it is said. */
import { Camera, CameraError, type Trouble } from "./camera";
import { contract } from "./contract";
import { Gauge } from "./gauge";
import { named } from "./give";
import { Live, type Timing } from "./live";
import * as looks from "./looks";
import { keep } from "./offline";
import { $, dialog, toast } from "./page";
import { load } from "./pictures";
import { ending, Recorder } from "./record";
import * as result from "./result";
import { Segmenter, type Answer } from "./segment/segmenter";
import { CanvasStage } from "./stage/canvas";
import type { Look, Stage } from "./stage/stage";
import { WebglStage } from "./stage/webgl";
import { fill, texts } from "./texts";

type State = "start" | "live" | "still";

const { look } = looks;
const video = $<HTMLVideoElement>("video");
const segmenter = new Segmenter();
const recorder = new Recorder();
let stage: Stage = open();
let state: State = "start";
let mustBlur = false;
let ready: Promise<unknown> | undefined;
let again: () => void = () => {};

const camera = new Camera(video, (trouble) => {
  if (trouble === "lost") void leaveCamera(trouble);
  else if (trouble) note(texts[trouble]);
  else note("");
});
const live = new Live(video, segmenter, () => ({ stage, look: shownLook() }), { frame, failed });
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
      if (recorder.on) void stopRecording();
      stage = new CanvasStage();
      $("holder").replaceChildren(stage.canvas);
      if (state === "still") again();
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
  $("shoot").setAttribute("aria-label", next === "still" ? texts.savePhoto : texts.photo);
  $("shoot").title = next === "still" ? texts.savePhoto : texts.photo;
  mirror();
  note("");
}

function mirror(): void {
  const wanted = state === "live" && camera.mirrored && $<HTMLInputElement>("mirror").checked;
  $("holder").classList.toggle("mirrored", wanted);
}

function note(words: string): void {
  $("note").textContent = words;
  $("note").hidden = !words;
}

/** What went wrong, in words, with a button that tries it again. */
function trouble(words: string, retry: () => void): void {
  wait(false);
  again = retry;
  $("trouble").querySelector("p")!.textContent = words;
  $("trouble").hidden = false;
}

function wait(on: boolean): void {
  $("wait").hidden = !on;
  if (on) $("trouble").hidden = true;
}

/** The network, loaded once; after a failure it is tried anew. */
function network(): Promise<unknown> {
  ready ??= segmenter.start().then(
    (plan) => ($("runs").textContent = `${plan.backend === "webgpu" ? "WebGPU" : `WebAssembly, ${plan.threads} thread${plan.threads > 1 ? "s" : ""}`}; ${stage.name}`),
    (error) => {
      ready = undefined;
      throw error;
    },
  );
  return ready;
}

async function startCamera(facing = camera.facing): Promise<void> {
  wait(true);
  live.stop();
  const loading = network();
  loading.catch(() => {});
  try {
    await camera.start(facing);
    await loading;
  } catch (error) {
    camera.stop();
    enter("start");
    const words = error instanceof CameraError ? texts[error.trouble] : texts.engine;
    return trouble(words, () => void startCamera(facing));
  }
  wait(false);
  $("trouble").hidden = true;
  enter("live");
  $("flip").hidden = !(await camera.hasSeveral());
  live.start();
}

async function leaveCamera(why?: Trouble): Promise<void> {
  live.stop();
  if (recorder.on) await stopRecording();
  camera.stop();
  enter("start");
  if (why) trouble(texts[why], () => void startCamera());
}

async function openPhoto(file: Blob): Promise<void> {
  await leaveCamera();
  wait(true);
  let picture;
  try {
    picture = await load(file);
  } catch {
    wait(false);
    return toast(texts.unreadable);
  }
  try {
    await network();
    const { image } = picture;
    const input = stage.grab(image, image.naturalWidth, image.naturalHeight);
    const answer = await segmenter.run(input);
    enter("still");
    again = () => void openPhoto(file);
    stage.show(answer.mask, look);
    remember({ at: performance.now(), latency: 0, network: answer.ms, presence: answer.presence }, answer);
    note(answer.presence < contract.presence.threshold ? texts.nobody : "");
    wait(false);
  } catch {
    enter("start");
    trouble(texts.memory, () => void openPhoto(file));
  } finally {
    URL.revokeObjectURL(picture.url);
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
  if (live.shown % 8 === 0) $("speed").textContent = `${Math.round(1000 / rate)} fps · ${Math.round(timing.network)} ms`;
  // a few frames in a row, so that a hand before the lens says nothing
  absent = timing.presence < contract.presence.threshold ? absent + 1 : 0;
  if (absent === 5) note(texts.nobody);
  else if (absent === 0 && $("note").textContent === texts.nobody) note("");
}

function failed(error: unknown): void {
  console.info(`fastportrait: ${error}`);
  void leaveCamera();
  ready = undefined;
  trouble(texts.memory, () => void startCamera());
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

let clock: ReturnType<typeof setInterval> | undefined;

async function startRecording(): Promise<void> {
  if (!Recorder.possible()) return toast(texts.noRecorder);
  try {
    const { heard } = await recorder.start(stage.canvas, look.kind === "clear", $<HTMLInputElement>("sound").checked);
    if (!heard) toast(texts.noSound);
  } catch {
    return toast(texts.noRecorder);
  }
  const start = Date.now();
  const tick = () => {
    const seconds = Math.floor((Date.now() - start) / 1000);
    $("badge").querySelector("time")!.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  };
  tick();
  clock = setInterval(tick, 500);
  recordingShown(true);
}

async function stopRecording(): Promise<void> {
  clearInterval(clock);
  recordingShown(false);
  const blob = await recorder.stop();
  result.show(new File([blob], named("portrait", ending(blob.type), new Date()), { type: blob.type }));
}

function recordingShown(on: boolean): void {
  $("badge").hidden = !on;
  $("record").setAttribute("aria-pressed", String(on));
  $("record").setAttribute("aria-label", on ? texts.stop : texts.record);
  for (const id of ["open", "flip", "leave"]) $<HTMLButtonElement>(id).disabled = on;
}

fill(document);
looks.build(() => stage.redraw(shownLook()));
result.build();
const about = dialog("about");
const file = $<HTMLInputElement>("file");
const on = (id: string, act: () => unknown) => $(id).addEventListener("click", () => void act());
on("about-open", () => about.showModal());
on("start", () => startCamera());
on("retry", () => again());
on("pick", () => file.click());
on("open", () => file.click());
on("shoot", shoot);
on("record", () => (recorder.on ? stopRecording() : startRecording()));
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
document.addEventListener("visibilitychange", () => {
  if (state !== "live") return;
  if (document.hidden) live.stop();
  else void camera.play().then(() => live.start());
});
$("record").hidden = !Recorder.possible();
enter("start");
void keep();
