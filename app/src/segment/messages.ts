/** What the page and its worker say to each other. */
import type { Plan } from "./plan";

export type ToWorker =
  | { type: "load"; plan: Plan; model: string }
  | { type: "run"; id: number; image: Uint8ClampedArray<ArrayBuffer> };

export type FromWorker =
  | { type: "ready" }
  | { type: "mask"; id: number; mask: Uint8Array<ArrayBuffer>; image: Uint8ClampedArray<ArrayBuffer>; presence: number; ms: number }
  | { type: "failed"; reason: string };
