/** The stage without a GPU: plain 2D canvas, the same steps with what a canvas can do. */
import { contract } from "../contract";
import { resize } from "../resize";
import { cover, fitted, png, type Look, type Source, type Stage } from "./stage";

const { width: W, height: H } = contract.input;
const MOST = 2048;

function sheet(width = 1, height = 1): [HTMLCanvasElement, CanvasRenderingContext2D] {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("no canvas");
  return [canvas, context];
}

export class CanvasStage implements Stage {
  readonly name = "Canvas";
  readonly canvas = document.createElement("canvas");
  private out = this.canvas.getContext("2d")!;
  private frame = sheet();
  /** What was grabbed last, and waits for its mask while the frame before it is still shown. */
  private next = sheet();
  private mask = sheet(W, H);
  private front = sheet();
  private tiny = sheet();
  private rim = sheet();
  private shown = false;

  grab(source: Source, width: number, height: number): Uint8ClampedArray<ArrayBuffer> {
    const [w, h] = fitted(width, height, MOST);
    const [canvas, context] = this.next;
    if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
    context.drawImage(source, 0, 0, w, h);
    return resize(context.getImageData(0, 0, w, h).data, [h, w], [H, W], 4);
  }

  show(mask: Uint8Array<ArrayBuffer>, look: Look): void {
    [this.frame, this.next] = [this.next, this.frame];
    const [now, before] = [this.frame[0], this.next[0]];
    if (now.width !== before.width || now.height !== before.height) before.width = before.height = 1; // a large photo's memory is not kept
    const pixels = this.mask[1].createImageData(W, H);
    for (let i = 0; i < mask.length; i++) pixels.data[4 * i + 3] = mask[i]!;
    this.mask[1].putImageData(pixels, 0, 0);
    this.shown = true;
    this.redraw(look);
  }

  redraw(look: Look): void {
    if (!this.shown) return;
    const { width, height } = this.frame[0];
    for (const canvas of [this.canvas, this.front[0]])
      if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    const out = this.out;
    out.clearRect(0, 0, width, height);
    if (look.kind === "none") return out.drawImage(this.frame[0], 0, 0);
    if (look.kind === "colour") {
      out.fillStyle = `rgb(${look.colour.join()})`;
      out.fillRect(0, 0, width, height);
    } else if (look.kind === "picture" && look.picture) {
      const part = cover([look.picture.width, look.picture.height], [width, height]);
      out.drawImage(look.picture, ...part, 0, 0, width, height);
    } else if (look.kind === "blur") this.blur(look.strength, width, height);
    const wrapped = look.kind === "colour" || look.kind === "picture";
    if (wrapped) this.light(width, height); // while the background is alone on the canvas
    const [canvas, front] = this.front;
    front.globalCompositeOperation = "copy";
    front.drawImage(this.frame[0], 0, 0);
    front.globalCompositeOperation = "destination-in";
    front.imageSmoothingQuality = "high";
    front.drawImage(this.mask[0], 0, 0, width, height);
    out.drawImage(canvas, 0, 0);
    if (!wrapped) return;
    out.globalCompositeOperation = "screen";
    out.globalAlpha = 0.9 * look.strength;
    out.drawImage(this.rim[0], 0, 0, width, height);
    out.globalCompositeOperation = "source-over";
    out.globalAlpha = 1;
  }

  photo(look: Look): Promise<Blob> {
    this.redraw(look);
    return png(this.canvas);
  }

  dispose(): void {
    this.canvas.remove();
  }

  /** The background's light on the person's rim: where the mask is, and its blur is not whole. */
  private light(width: number, height: number): void {
    const [w, h] = fitted(width, height, 480);
    const [tiny, small] = this.tiny;
    [tiny.width, tiny.height] = fitted(width, height, 40);
    small.imageSmoothingQuality = "high";
    small.drawImage(this.mask[0], 0, 0, tiny.width, tiny.height);
    const [rim, context] = this.rim;
    [rim.width, rim.height] = [w, h];
    context.imageSmoothingQuality = "high";
    context.drawImage(this.canvas, 0, 0, w, h);
    context.globalCompositeOperation = "destination-in";
    context.drawImage(this.mask[0], 0, 0, w, h);
    context.globalCompositeOperation = "destination-out";
    context.drawImage(tiny, 0, 0, w, h);
  }

  /** Down to a few pixels and up again: Safari's canvas has no filter. */
  private blur(strength: number, width: number, height: number): void {
    const [w, h] = fitted(width, height, Math.round(96 - 72 * strength));
    const [canvas, context] = this.tiny;
    [canvas.width, canvas.height] = [w, h];
    context.imageSmoothingQuality = "high";
    context.drawImage(this.frame[0], 0, 0, w, h);
    this.out.imageSmoothingQuality = "high";
    this.out.drawImage(canvas, 0, 0, width, height);
  }
}
