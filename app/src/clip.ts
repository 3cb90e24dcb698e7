/** The record button: a clip begun and ended, and what there is to say about it. */
import { named } from "./give";
import { $, toast } from "./page";
import { ending, Recorder, type Wish } from "./record";
import * as result from "./result";
import { texts } from "./texts";

/** What must not be touched while a clip is being recorded. */
const HELD = ["open", "flip", "leave", "update-now"];

export class Clip {
  private recorder = new Recorder();
  private clock: ReturnType<typeof setInterval> | undefined;
  private said = "";

  /** `scene` says what is recorded, and how. */
  constructor(private scene: () => Wish & { canvas: HTMLCanvasElement }) {
    $("record").hidden = !Recorder.possible();
    $("record").addEventListener("click", () => void (this.on ? this.stop() : this.start()));
  }

  get on(): boolean {
    return this.recorder.on;
  }

  private async start(): Promise<void> {
    const button = $<HTMLButtonElement>("record");
    const { canvas, clear, sound } = this.scene();
    button.disabled = true; // the browser may be asking for the microphone
    try {
      const got = await this.recorder.start(canvas, { clear, sound }, () => void this.stop(texts.clipEnded));
      this.said = clear && !got.clear ? texts.noClearClip : "";
      if (sound && !got.sound) toast(texts.noSound);
    } catch {
      return toast(texts.noRecorder);
    } finally {
      button.disabled = false;
    }
    const start = Date.now();
    const tick = () => {
      const seconds = Math.floor((Date.now() - start) / 1000);
      $("badge").querySelector("time")!.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    };
    tick();
    this.clock = setInterval(tick, 500);
    this.show(true);
  }

  /** Ends the clip and shows it, with the reason in `words` where it was not the person who ended it. */
  async stop(words = this.said): Promise<void> {
    if (!this.on) return;
    clearInterval(this.clock);
    this.show(false);
    const blob = await this.recorder.stop();
    if (blob.size) result.show(new File([blob], named("portrait", ending(blob.type), new Date()), { type: blob.type }), words);
    else toast(texts.clipEmpty);
  }

  private show(on: boolean): void {
    $("badge").hidden = !on;
    $("record").setAttribute("aria-pressed", String(on));
    for (const word of ["aria-label", "title"]) $("record").setAttribute(word, on ? texts.stop : texts.record);
    for (const id of HELD) $<HTMLButtonElement>(id).disabled = on;
  }
}
