/** The worker: ONNX Runtime Web with the model, off the page's thread; pixels in, mask out. */
import glueUrl from "onnxruntime-web/ort-wasm-simd-threaded.mjs?url";
import wasmUrl from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
import gpuGlueUrl from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url";
import gpuWasmUrl from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url";
import type { InferenceSession, Tensor } from "onnxruntime-web";
import { contract } from "../contract";
import { eightBits, planes, presence } from "../mask";
import type { FromWorker, ToWorker } from "./messages";
import type { Plan } from "./plan";

const { input, files } = contract;
const SHAPE = [1, 3, input.height, input.width];
const say = (message: FromWorker, transfer: Transferable[] = []) => postMessage(message, { transfer });

let run: ((image: Float32Array) => Promise<Float32Array>) | undefined;
const pixels = new Float32Array(3 * input.height * input.width);

async function load(plan: Plan, model: string): Promise<void> {
  const webgpu = plan.backend === "webgpu";
  const ort = webgpu ? await import("onnxruntime-web/webgpu") : await import("onnxruntime-web/wasm");
  const at = (url: string) => new URL(url, import.meta.url).href;
  ort.env.wasm.numThreads = plan.threads;
  ort.env.wasm.wasmPaths = webgpu ? { mjs: at(gpuGlueUrl), wasm: at(gpuWasmUrl) } : { mjs: at(glueUrl), wasm: at(wasmUrl) };
  ort.env.logLevel = "error";
  const session: InferenceSession = await ort.InferenceSession.create(model, { executionProviders: [plan.backend] });
  run = async (image) => {
    const feed: Tensor = new ort.Tensor("float32", image, SHAPE);
    const answer = (await session.run({ [files.onnx.input]: feed }))[files.onnx.output]!;
    const alpha = (await answer.getData()) as Float32Array;
    answer.dispose();
    return alpha;
  };
  await run(pixels); // the first run compiles: not the first frame's business
}

onmessage = async ({ data }: MessageEvent<ToWorker>) => {
  try {
    if (data.type === "load") {
      await load(data.plan, data.model);
      say({ type: "ready" });
      return;
    }
    const start = performance.now();
    const alpha = await run!(planes(data.image, pixels));
    const ms = performance.now() - start;
    const sure = presence(alpha, contract.presence.share);
    const mask = eightBits(alpha, sure >= contract.presence.threshold);
    say({ type: "mask", id: data.id, mask, image: data.image, presence: sure, ms }, [mask.buffer, data.image.buffer]);
  } catch (error) {
    say({ type: "failed", reason: String(error) });
  }
};
