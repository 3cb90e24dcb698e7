/** portrait.json: what the model wants and means, the same file that Python writes and reads. */
import portrait from "../model/portrait.json";

export interface Contract {
  schema: string;
  name: string;
  input: { height: number; width: number; channels: string; range: number[]; fit: string; resize: string };
  output: { height: number; width: number; meaning: string; range: number[] };
  presence: { share: number; threshold: number; rule: string };
  files: { onnx: { file: string; sha256: string; bytes: number; input: string; output: string; layout: string } };
  vectors: { frame: string; image: string; alpha: string; mean_tolerance: number; iou: number }[];
}

/** `portrait`, if this app does what it asks for. Throws where it asks for something else. */
export function read(portrait: Contract): Contract {
  const { schema, input, output, files } = portrait;
  const wrong: string[] = [];
  if (schema !== "portrait/1") wrong.push(`schema ${schema}`);
  if (input.channels !== "RGB" || `${input.range}` !== "0,1") wrong.push(`input ${input.channels} ${input.range}`);
  if (input.fit !== "squash") wrong.push(`fit ${input.fit}`);
  if (output.meaning !== "alpha" || `${output.range}` !== "0,1") wrong.push(`output ${output.meaning}`);
  if (output.height !== input.height || output.width !== input.width) wrong.push("another output size");
  if (files.onnx.layout !== "NCHW") wrong.push(`layout ${files.onnx.layout}`);
  if (wrong.length) throw new Error(`portrait.json: this app does not know ${wrong.join(", ")}`);
  return portrait;
}

export const contract = read(portrait);
