/** Pictures to stand before, drawn here: nothing to download, and nobody else's. */

const SIZE: [number, number] = [1280, 960];

function paint(draw: (context: CanvasRenderingContext2D, width: number, height: number) => void): () => HTMLCanvasElement {
  let canvas: HTMLCanvasElement | undefined;
  return () => {
    if (canvas) return canvas;
    canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = SIZE;
    draw(canvas.getContext("2d")!, ...SIZE);
    return canvas;
  };
}

function fade(context: CanvasRenderingContext2D, stops: string[], ...line: [number, number, number, number]): CanvasGradient {
  const gradient = context.createLinearGradient(...line);
  stops.forEach((stop, i) => gradient.addColorStop(i / (stops.length - 1), stop));
  return gradient;
}

function glow(context: CanvasRenderingContext2D, x: number, y: number, radius: number, colour: string, edge = 0): void {
  const gradient = context.createRadialGradient(x, y, 0, x, y, radius);
  gradient.addColorStop(0, colour);
  if (edge) gradient.addColorStop(edge, colour);
  gradient.addColorStop(1, "transparent");
  context.fillStyle = gradient;
  context.fillRect(x - radius, y - radius, 2 * radius, 2 * radius);
}

/** The same numbers in [0, 1) every time. */
function numbers(seed: number): () => number {
  return () => ((seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32);
}

export const dawn = paint((context, w, h) => {
  context.fillStyle = fade(context, ["#24386b", "#7a6aa8", "#f2a58a", "#ffd9a0"], 0, 0, 0, h * 0.8);
  context.fillRect(0, 0, w, h);
  glow(context, w * 0.68, h * 0.6, h * 0.5, "rgba(255, 236, 190, 0.85)");
  ["#8a6f9f", "#5d5486", "#39406b", "#222c4d"].forEach((colour, layer) => {
    context.fillStyle = colour;
    context.beginPath();
    context.moveTo(0, h);
    for (let x = 0; x <= w; x += 8) {
      const y = h * (0.6 + 0.09 * layer) + h * 0.045 * (Math.sin(x / 190 + layer * 2.1) + 0.6 * Math.sin(x / 71 + layer * 4.7));
      context.lineTo(x, y);
    }
    context.lineTo(w, h);
    context.fill();
  });
});

export const studio = paint((context, w, h) => {
  context.fillStyle = fade(context, ["#cfd4d8", "#aeb6bd", "#7d878f"], 0, 0, 0, h);
  context.fillRect(0, 0, w, h);
  glow(context, w * 0.5, h * 0.4, h * 0.75, "rgba(255, 255, 255, 0.75)");
  context.fillStyle = fade(context, ["transparent", "rgba(30, 36, 42, 0.35)"], 0, h * 0.7, 0, h);
  context.fillRect(0, h * 0.7, w, h * 0.3);
});

export const night = paint((context, w, h) => {
  context.fillStyle = fade(context, ["#0a1024", "#1b1f45", "#3a2748"], 0, 0, 0, h);
  context.fillRect(0, 0, w, h);
  context.globalCompositeOperation = "lighter";
  const next = numbers(7);
  for (let k = 0; k < 70; k++) {
    const hue = [38, 18, 205, 320, 48][Math.floor(next() * 5)]!;
    glow(context, next() * w, h * (0.2 + 0.75 * next()), h * (0.02 + 0.06 * next()), `hsla(${hue}, 85%, 62%, ${0.15 + 0.35 * next()})`, 0.8);
  }
});
