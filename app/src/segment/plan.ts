/** Which backends to try on this device, best first; the last one always works. */

export interface Plan {
  backend: "webgpu" | "wasm";
  threads: number;
}

export interface Device {
  webgpu: boolean;
  isolated: boolean;
  cores: number;
}

/** More threads than this gain nothing on a network of a few milliseconds, and heat the phone. */
const MANY = 4;

/** `only` names the one backend to use, for measuring; anything else lets the device choose. */
export function plans({ webgpu, isolated, cores }: Device, only = ""): Plan[] {
  const tried: Plan[] = [];
  if (webgpu && only !== "wasm") tried.push({ backend: "webgpu", threads: 1 });
  const threads = Math.min(MANY, Math.floor(cores / 2)); // half are slow cores, and the page needs one
  if (isolated && threads > 1) tried.push({ backend: "wasm", threads });
  tried.push({ backend: "wasm", threads: 1 });
  return tried;
}

/** What the browser says. A WebGPU adapter that is software in disguise does not count. */
export async function device(): Promise<Device> {
  return {
    webgpu: await hasWebgpu(),
    isolated: globalThis.crossOriginIsolated === true,
    cores: navigator.hardwareConcurrency || 1,
  };
}

interface Adapter {
  isFallbackAdapter?: boolean;
  info?: { isFallbackAdapter?: boolean; architecture?: string };
}

async function hasWebgpu(): Promise<boolean> {
  const gpu = (navigator as { gpu?: { requestAdapter(): Promise<Adapter | null> } }).gpu;
  if (!gpu) return false;
  try {
    const adapter = await gpu.requestAdapter();
    const software = adapter?.isFallbackAdapter || adapter?.info?.isFallbackAdapter;
    return adapter !== null && !software && adapter.info?.architecture !== "swiftshader";
  } catch {
    return false;
  }
}
