/** One runtime with one model on one backend: loads it, then answers each picture with its alpha and the time it took. */
import * as litert from "@litertjs/core";
import * as ortWasm from "onnxruntime-web/wasm";
import * as ortWebgpu from "onnxruntime-web/webgpu";

export interface Ask {
  runtime: "onnxruntime-web" | "litertjs";
  backend: "wasm" | "webgpu";
  threads: number;
  /** Where the model is served. */
  model: string;
}

type Run = (image: Float32Array) => Promise<Float32Array>;
const SIDE = 256;

async function onnx({ backend, threads, model }: Ask): Promise<Run> {
  const ort = backend === "webgpu" ? ortWebgpu : ortWasm;
  const glue = backend === "webgpu" ? "ort-wasm-simd-threaded.asyncify" : "ort-wasm-simd-threaded";
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmPaths = { mjs: `/onnx/${glue}.mjs`, wasm: `/onnx/${glue}.wasm` };
  const session = await ort.InferenceSession.create(model, { executionProviders: [backend] });
  return async (image) => {
    const tensor = new ort.Tensor("float32", image, [1, 3, SIDE, SIDE]);
    const { alpha } = await session.run({ image: tensor });
    return (await alpha!.getData()) as Float32Array;
  };
}

async function lite({ backend, threads, model: path }: Ask): Promise<Run> {
  (self as unknown as { Module: object }).Module = { locateFile: (file: string) => `/litert/${file}` };
  await litert.loadLiteRt("/litert/", backend === "webgpu" ? { jspi: true } : { threads: threads > 1 });
  const model = await litert.loadAndCompile(path, {
    accelerator: backend,
    ...(backend === "wasm" ? { cpuOptions: { numThreads: threads } } : {}),
  } as litert.CompileOptions);
  return async (image) => {
    const tensor = new litert.Tensor(image, [1, 3, SIDE, SIDE]);
    const [result] = await model.run(tensor);
    const near = backend === "webgpu" ? await result!.moveTo("wasm") : result!;
    const alpha = (near.toTypedArray() as Float32Array).slice();
    tensor.delete();
    near.delete();
    return alpha;
  };
}

let run: Run | undefined;
self.onmessage = async ({ data }: MessageEvent<{ ask?: Ask; image?: Float32Array }>) => {
  try {
    if (data.ask) {
      const start = performance.now();
      run = await (data.ask.runtime === "litertjs" ? lite(data.ask) : onnx(data.ask));
      self.postMessage({ ms: performance.now() - start });
    } else {
      const start = performance.now();
      const alpha = await run!(data.image!);
      self.postMessage({ ms: performance.now() - start, alpha });
    }
  } catch (error) {
    self.postMessage({ error: String(error) });
  }
};
