/** A test vector through a backend that is not trusted: some GPUs answer, and wrongly. */
import frameUrl from "../../model/vectors/0-image.png?url";
import alphaUrl from "../../model/vectors/0-alpha.png?url";
import { contract } from "../contract";

const { width, height } = contract.input;
const [vector] = contract.vectors;

async function pixels(url: string): Promise<Uint8ClampedArray<ArrayBuffer>> {
  const image = new Image();
  image.src = url;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, width, height).data as Uint8ClampedArray<ArrayBuffer>;
}

/** Throws where the mask that `run` gives of the first test vector is not Python's. */
export async function check(run: (image: Uint8ClampedArray<ArrayBuffer>) => Promise<Uint8Array>): Promise<void> {
  const [image, truth] = await Promise.all([pixels(frameUrl), pixels(alphaUrl)]);
  const share = agreement(await run(image), truth);
  if (!(share >= vector!.iou)) throw new Error(`its mask agrees with the test vector's by ${share} only`);
}

/** Intersection over union of `mask` and the grey picture `rgba`, above half. */
export function agreement(mask: Uint8Array, rgba: Uint8ClampedArray): number {
  let both = 0;
  let either = 0;
  for (let i = 0; i < mask.length; i++) {
    const [a, b] = [mask[i]! >= 128, rgba[4 * i]! >= 128];
    if (a && b) both++;
    if (a || b) either++;
  }
  return either ? both / either : 0;
}
