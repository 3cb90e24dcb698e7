/** A picture file as an element that can be drawn: the browser turns it as its EXIF says. */

/** Throws where the browser cannot open it. Dispose of `url` after use. */
export async function load(file: Blob): Promise<{ image: HTMLImageElement; url: string }> {
  const url = URL.createObjectURL(file);
  const image = new Image();
  image.src = url;
  try {
    await image.decode();
    if (!image.naturalWidth) throw new Error("no size");
    return { image, url };
  } catch (error) {
    URL.revokeObjectURL(url);
    throw error;
  }
}

/** `file` on a canvas of at most `most` pixels a side. */
export async function canvasOf(file: Blob, most: number): Promise<HTMLCanvasElement> {
  const { image, url } = await load(file);
  const scale = Math.min(1, most / Math.max(image.naturalWidth, image.naturalHeight));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(image.naturalWidth * scale));
  canvas.height = Math.max(1, Math.round(image.naturalHeight * scale));
  const context = canvas.getContext("2d")!;
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(url);
  return canvas;
}
