/** A line chart of samples over time, as SVG; what it shows is also said in words for who cannot see it. */
import type { Sample } from "./protocol";
import { texts } from "./texts";

const NS = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, LEFT, BOTTOM] = [400, 210, 46, 26];

function element(name: string, attributes: Record<string, string | number>, content = ""): SVGElement {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.textContent = content;
  return made;
}

/** A round number at or above `value`, of which a quarter is round too. */
export function ceiling(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return ([1, 2, 4, 8, 10].find((step) => step * power >= value) ?? 10) * power;
}

export function draw(svg: SVGSVGElement, samples: Sample[], seconds: number): void {
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.replaceChildren();
  const most = ceiling(Math.max(20, ...samples.map((sample) => Math.max(sample.latency_ms, sample.network_ms))));
  const x = (t: number) => LEFT + ((WIDTH - LEFT - 8) * t) / Math.max(seconds, 1);
  const y = (ms: number) => HEIGHT - BOTTOM - ((HEIGHT - BOTTOM - 10) * ms) / most;
  for (let k = 0; k <= 4; k++) {
    const ms = (most * k) / 4;
    svg.append(element("line", { class: "grid", x1: LEFT, x2: WIDTH - 8, y1: y(ms), y2: y(ms) }));
    svg.append(element("text", { class: "tick", x: LEFT - 8, y: y(ms) + 4, "text-anchor": "end" }, `${Math.round(ms * 10) / 10}`));
  }
  for (let k = 0; k <= 4; k++) {
    const t = (seconds * k) / 4;
    const anchor = k === 0 ? "start" : k === 4 ? "end" : "middle";
    svg.append(element("text", { class: "tick", x: x(t), y: HEIGHT - 6, "text-anchor": anchor }, `${Math.round(t)} ${texts.seconds}`));
  }
  for (const key of ["latency_ms", "network_ms"] as const) {
    const points = samples.map((sample) => `${x(sample.t_s).toFixed(1)},${y(sample[key]).toFixed(1)}`);
    if (points.length) svg.append(element("polyline", { class: key, points: points.join(" ") }));
  }
}
