/** The page's side of the network: one picture at a time, and another backend or a fresh worker where one fails. */
import modelUrl from "../../../src/fastportrait/weights/small.onnx?url";
import type { FromWorker, ToWorker } from "./messages";
import { device, plans, type Plan } from "./plan";
import { check } from "./selftest";

export interface Answer {
  /** 0..255, (h, w) of the network. */
  mask: Uint8Array<ArrayBuffer>;
  /** The network's input that it belongs to, RGBA. */
  image: Uint8ClampedArray<ArrayBuffer>;
  presence: number;
  ms: number;
}

interface Waiting {
  resolve(message: FromWorker): void;
  reject(error: Error): void;
}

/** Neither loading nor a picture takes so long on anything: the worker has died without a word. */
const PATIENCE = { load: 60_000, threads: 12_000, run: 20_000 };

export class Segmenter {
  plan: Plan | undefined;
  private worker: Worker | undefined;
  private left: Plan[] = [];
  private waiting: Waiting | undefined;
  private last: Promise<unknown> = Promise.resolve();
  private id = 0;

  /** Loads the best backend that works here. Rejects where none does. */
  async start(): Promise<Plan> {
    this.left = plans(await device(), new URLSearchParams(location.search).get("backend") ?? "");
    return this.next();
  }

  /** The mask of `image`, RGBA of the network's size, after those that were asked for before. */
  run(image: Uint8ClampedArray<ArrayBuffer>): Promise<Answer> {
    const answer = this.last.then(() => this.once(image));
    this.last = answer.catch(() => {});
    return answer;
  }

  private async once(image: Uint8ClampedArray<ArrayBuffer>): Promise<Answer> {
    const id = ++this.id;
    const kept = image.slice(); // to run again where the worker dies of it
    try {
      return this.mask(await this.ask({ type: "run", id, image }, PATIENCE.run, [image.buffer]));
    } catch {
      if (this.plan && this.left.length === 0) this.left = [{ backend: "wasm", threads: 1 }];
      await this.next();
      return this.mask(await this.ask({ type: "run", id, image: kept }, PATIENCE.run, [kept.buffer]));
    }
  }

  /** Throws where the backend's mask of a test vector is not what it must be. */
  check(): Promise<void> {
    return check(async (image) => this.mask(await this.ask({ type: "run", id: ++this.id, image }, PATIENCE.load)).mask);
  }

  stop(): void {
    this.worker?.terminate();
    this.worker = undefined;
    this.waiting?.reject(new Error("stopped"));
  }

  private mask(message: FromWorker): Answer {
    if (message.type !== "mask") throw new Error(`the worker said ${message.type}`);
    return message;
  }

  private async next(): Promise<Plan> {
    for (;;) {
      const plan = this.left.shift();
      if (!plan) throw new Error("no backend runs the network here");
      try {
        this.stop();
        this.worker = this.fresh();
        const patience = plan.threads > 1 ? PATIENCE.threads : PATIENCE.load;
        await this.ask({ type: "load", plan, model: new URL(modelUrl, location.href).href }, patience);
        if (plan.backend === "webgpu") await this.check();
        return (this.plan = plan);
      } catch (error) {
        console.info(`fastportrait: ${plan.backend} with ${plan.threads} thread(s) does not run here: ${error}`);
      }
    }
  }

  private fresh(): Worker {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.type === "failed") this.waiting?.reject(new Error(data.reason));
      else this.waiting?.resolve(data);
    };
    worker.onerror = (event) => this.waiting?.reject(new Error(event.message || "the worker could not start"));
    return worker;
  }

  private ask(message: ToWorker, patience: number, transfer: Transferable[] = []): Promise<FromWorker> {
    return new Promise((resolve, reject) => {
      const settle = <T>(then: (value: T) => void) => (value: T) => {
        clearTimeout(timer);
        if (this.waiting === mine) this.waiting = undefined;
        then(value);
      };
      const mine: Waiting = { resolve: settle(resolve), reject: settle(reject) };
      const timer = setTimeout(() => mine.reject(new Error("no answer")), patience);
      this.waiting = mine;
      this.worker!.postMessage(message, transfer);
    });
  }
}
