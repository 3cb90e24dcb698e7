/** The dialog that measures this phone. */
import { draw } from "./chart";
import { contract } from "./contract";
import { canShare, named, save, share } from "./give";
import type { Timing } from "./live";
import { $, dialog, toast } from "./page";
import { Protocol, who, type Subject } from "./protocol";
import { texts } from "./texts";

export interface Rig {
  /** Has the camera on and its frames shown with the background blurred; rejects where there is none. */
  prepare(): Promise<void>;
  release(): void;
  runtime(): Subject["runtime"];
  camera(): Subject["camera"];
}

export class Gauge {
  private protocol: Protocol | undefined;
  private seconds = 0;
  private file: File | undefined;
  private awake: { release(): Promise<void> } | undefined;

  constructor(private rig: Rig) {
    const element = dialog("measure", () => this.stop());
    $("measure-open").addEventListener("click", () => element.showModal());
    $("measure-start").addEventListener("click", () => void this.start());
    $("measure-stop").addEventListener("click", () => this.stop());
    $("measure-save").addEventListener("click", () => {
      save(this.file!);
      toast(texts.saved);
    });
    $("measure-share").addEventListener("click", () => void share(this.file!).then((how) => how === "saved" && toast(texts.savedInstead)));
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.interrupt(texts.measureHidden);
    });
  }

  /** Of every shown frame. */
  frame(timing: Timing): void {
    if (!this.protocol) return;
    if (this.protocol.frame(timing)) draw($("chart"), this.protocol.samples, this.seconds);
    const share = this.protocol.elapsed / this.seconds;
    $<HTMLProgressElement>("measure-progress").value = Math.max(0, share);
    if (share >= 1) void this.finish();
  }

  /** Ends a measurement that cannot go on, for the reason in `words`. */
  interrupt(words: string): void {
    this.stop(words);
  }

  private async start(): Promise<void> {
    this.note("");
    try {
      await this.rig.prepare();
    } catch {
      return this.note(texts.measureNoCamera);
    }
    const minutes = document.querySelector<HTMLInputElement>("#minutes input:checked")!.value;
    this.seconds = Number(minutes) * 60;
    this.protocol = new Protocol();
    draw($("chart"), [], this.seconds);
    $("numbers").replaceChildren();
    this.show({ running: true, done: false });
    this.note(texts.measureRunning);
    const lock = (navigator as { wakeLock?: { request(kind: "screen"): Promise<{ release(): Promise<void> }> } }).wakeLock;
    this.awake = await lock?.request("screen").catch(() => undefined);
  }

  private stop(words = ""): void {
    if (!this.protocol) return;
    this.protocol = undefined;
    this.leave();
    this.show({ running: false, done: false });
    this.note(words);
  }

  private leave(): void {
    void this.awake?.release().catch(() => {});
    this.awake = undefined;
    this.rig.release();
  }

  private async finish(): Promise<void> {
    const protocol = this.protocol!;
    this.protocol = undefined;
    const result = protocol.result({
      date: new Date().toISOString().slice(0, 10),
      app: __VERSION__,
      model: { name: contract.name, sha256: contract.files.onnx.sha256, file: contract.files.onnx.file },
      device: await who(),
      runtime: this.rig.runtime(),
      camera: this.rig.camera(),
    });
    this.leave();
    const { summary } = result;
    draw($("chart"), protocol.samples, Math.max(this.seconds, protocol.samples.at(-1)?.t_s ?? 0));
    const ms = (value: number) => `${Math.round(value)}\u00a0${texts.ms}`;
    const rows: [string, string, string][] = [
      [texts.latency, ms(summary.latency_ms_p50), `${texts.worst} ${ms(summary.latency_ms_p95)}`],
      [texts.network, ms(summary.network_ms_p50), `${texts.worst} ${ms(summary.network_ms_p95)}`],
      [texts.fps, `${summary.fps}`, ""],
      [texts.aboutRuns, result.device.name, `${result.device.browser}, ${result.runtime.backend}`],
    ];
    $("numbers").replaceChildren(
      ...rows.flatMap(([term, words, more]) => {
        const [dt, dd, small] = [document.createElement("dt"), document.createElement("dd"), document.createElement("small")];
        [dt.textContent, dd.textContent, small.textContent] = [term, words, more];
        dd.append(small);
        return [dt, dd];
      }),
    );
    $("chart").setAttribute("aria-label", rows.map(([term, words, more]) => `${term}: ${words}${more && `, ${more}`}`).join("; "));
    this.file = new File([`${JSON.stringify(result, null, 2)}\n`], named("phone", "json", new Date()), { type: "application/json" });
    this.show({ running: false, done: true });
    this.note("");
  }

  private show({ running, done }: { running: boolean; done: boolean }): void {
    $("measure-view").hidden = !running && !done;
    $("measure-progress").hidden = $("measure-stop").hidden = !running;
    $("measure-start").hidden = running;
    $("minutes").hidden = running;
    $("measure-lead").hidden = done;
    $("measure-save").hidden = !done;
    $("measure-share").hidden = !(done && canShare(this.file!));
    $("measure-start").className = done ? "second" : "primary";
  }

  private note(words: string): void {
    $("measure-note").textContent = words;
  }
}
