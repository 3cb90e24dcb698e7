/** "Measure this phone": the published protocol, from frame timings to a result in schema phone/1. */
import type { Timing } from "./live";

export const PROTOCOL =
  "phone live/1: the page in front, camera asked for 1280x720 at 30/s, background blurred; every shown frame is timed. " +
  "latency_ms: from the camera's capture time (where the browser tells it, else from the frame's arrival in the page) to " +
  "the end of its drawing commands, so the screen's own delay is not in it. network_ms: input tensor to alpha in the " +
  "worker. A sample is the median of one second; fps counts the frames shown in it; the first 3 seconds warm up and are " +
  "dropped; the summary is over all frames.";

const WARM_UP = 3;

export interface Sample {
  t_s: number;
  network_ms: number;
  latency_ms: number;
  fps: number;
}

export interface Subject {
  date: string;
  app: string;
  model: { name: string; sha256: string; file: string };
  device: { name: string; platform: string; browser: string };
  runtime: { name: string; backend: string; threads: number };
  camera: { width: number; height: number; fps: number };
}

/** The value below which a share `q` of `values` lies (nearest rank). */
export function quantile(values: number[], q: number): number {
  if (!values.length) return 0;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))]!;
}

const tenth = (value: number) => Math.round(value * 10) / 10;

export class Protocol {
  readonly samples: Sample[] = [];
  private second: Timing[] = [];
  private all: Timing[] = [];
  private started: number | undefined;

  /** A shown frame. Returns the sample that it completes, if any. */
  frame(timing: Timing): Sample | undefined {
    this.started ??= timing.at;
    const t = (timing.at - this.started) / 1000 - WARM_UP;
    if (t < 0) return undefined;
    const first = this.second[0];
    let done: Sample | undefined;
    if (first && timing.at - first.at >= 1000) {
      done = this.close(first.at, timing.at);
      this.samples.push(done);
      this.second = [];
    }
    this.second.push(timing);
    this.all.push(timing);
    return done;
  }

  get elapsed(): number {
    const last = this.all.at(-1);
    return last && this.started !== undefined ? (last.at - this.started) / 1000 - WARM_UP : 0;
  }

  result(subject: Subject) {
    const network = this.all.map((timing) => timing.network);
    const latency = this.all.map((timing) => timing.latency);
    const seconds = this.all.length > 1 ? (this.all.at(-1)!.at - this.all[0]!.at) / 1000 : 0;
    const { date, app, model, device, runtime, camera } = subject;
    return {
      schema: "phone/1",
      date,
      app,
      model,
      device,
      runtime,
      protocol: PROTOCOL,
      camera,
      minutes: Math.round(seconds / 0.6) / 100,
      samples: this.samples,
      summary: {
        network_ms_p50: tenth(quantile(network, 0.5)),
        network_ms_p95: tenth(quantile(network, 0.95)),
        latency_ms_p50: tenth(quantile(latency, 0.5)),
        latency_ms_p95: tenth(quantile(latency, 0.95)),
        fps: seconds ? tenth((this.all.length - 1) / seconds) : 0,
      },
    };
  }

  private close(from: number, to: number): Sample {
    return {
      t_s: tenth((from - this.started!) / 1000 - WARM_UP),
      network_ms: tenth(quantile(this.second.map((timing) => timing.network), 0.5)),
      latency_ms: tenth(quantile(this.second.map((timing) => timing.latency), 0.5)),
      fps: tenth(this.second.length / ((to - from) / 1000)),
    };
  }
}

interface Brands {
  brands?: { brand: string; version: string }[];
  platform?: string;
  getHighEntropyValues?(hints: string[]): Promise<{ model?: string; platformVersion?: string }>;
}

/** Device and browser by what the browser tells; an iPhone does not tell its model. */
export async function who(): Promise<Subject["device"]> {
  const agent = navigator.userAgent;
  const data = (navigator as { userAgentData?: Brands }).userAgentData;
  const more = await data?.getHighEntropyValues?.(["model", "platformVersion"]).catch(() => undefined);
  const system = /\(([^)]+)\)/.exec(agent)?.[1] ?? "unknown";
  const brand = data?.brands?.find(({ brand }) => !/not.?a.?brand/i.test(brand) && brand !== "Chromium") ?? data?.brands?.find(({ brand }) => brand === "Chromium");
  return {
    name: more?.model || (/iPhone|iPad/.exec(agent)?.[0] ?? system.split(";").at(-1)!.trim()),
    platform: data?.platform ? `${data.platform} ${more?.platformVersion ?? ""}`.trim() : system,
    browser: brand ? `${brand.brand} ${brand.version}` : (/(Firefox|CriOS|FxiOS|EdgiOS)\/[\d.]+/.exec(agent)?.[0] ?? /Version\/([\d.]+).*Safari/.exec(agent)?.[0].replace(/Version\/([\d.]+).*/, "Safari $1") ?? agent),
  };
}
