/** A stage: takes frames in, gives the network its input, and shows each frame with its own mask on a background. */

export type Source = HTMLVideoElement | HTMLImageElement | HTMLCanvasElement | ImageBitmap;

export interface Look {
  kind: "blur" | "colour" | "picture" | "clear" | "none";
  /** RGB, 0..255, for "colour". */
  colour: [number, number, number];
  /** For "picture": it covers the frame, cropped about its middle. */
  picture: HTMLCanvasElement | undefined;
  /** Of the blur, or of the light that falls round the edges, in [0, 1]. */
  strength: number;
}

export interface Stage {
  readonly name: "WebGL2" | "Canvas";
  readonly canvas: HTMLCanvasElement;
  /** Keeps `source` as the next frame, which is not shown yet, and gives the network's input, RGBA (h, w), resized by the rule of resize.ts. */
  grab(source: Source, width: number, height: number): Uint8ClampedArray<ArrayBuffer>;
  /** Shows the frame that was grabbed last from now on, with its mask, 0..255 (h, w) of the network. */
  show(mask: Uint8Array<ArrayBuffer>, look: Look): void;
  /** The frame that is shown, with its mask and another look. */
  redraw(look: Look): void;
  /** What is shown, at the frame's size, as a PNG; with alpha where the background is clear. */
  photo(look: Look): Promise<Blob>;
  dispose(): void;
}

/** Width and height for a frame that must not exceed `most` pixels a side. */
export function fitted(width: number, height: number, most: number): [number, number] {
  const scale = Math.min(1, most / Math.max(width, height));
  return [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
}

/** The part of a picture (x, y, width, height) that covers a frame of (width, height), cropped about its middle. */
export function cover(picture: [number, number], frame: [number, number]): [number, number, number, number] {
  const scale = Math.min(picture[0] / frame[0], picture[1] / frame[1]);
  const [w, h] = [frame[0] * scale, frame[1] * scale];
  return [(picture[0] - w) / 2, (picture[1] - h) / 2, w, h];
}

export function png(canvas: HTMLCanvasElement): Promise<Blob> {
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no memory for the photo"))), "image/png"),
  );
}
