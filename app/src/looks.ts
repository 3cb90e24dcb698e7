/** The row of backgrounds: what can be chosen, and what is. */
import * as backgrounds from "./backgrounds";
import { $, toast } from "./page";
import { canvasOf } from "./pictures";
import type { Look } from "./stage/stage";
import { texts, type Text } from "./texts";

interface Choice {
  id: string;
  text: Text;
  kind: Look["kind"];
  colour?: [number, number, number];
  picture?: () => HTMLCanvasElement | undefined;
}

let own: HTMLCanvasElement | undefined;
const ownColour: Choice = { id: "own-colour", text: "colourOwn", kind: "colour", colour: [79, 70, 229] };
const ownPicture: Choice = { id: "own-picture", text: "pictureOwn", kind: "picture", picture: () => own };

const CHOICES: Choice[] = [
  { id: "blur", text: "blur", kind: "blur" },
  { id: "clear", text: "clear", kind: "clear" },
  { id: "studio", text: "pictureStudio", kind: "picture", picture: backgrounds.studio },
  { id: "dawn", text: "pictureDawn", kind: "picture", picture: backgrounds.dawn },
  { id: "night", text: "pictureNight", kind: "picture", picture: backgrounds.night },
  { id: "white", text: "colourWhite", kind: "colour", colour: [250, 250, 247] },
  { id: "green", text: "colourGreen", kind: "colour", colour: [0, 177, 64] },
  { id: "ink", text: "colourInk", kind: "colour", colour: [28, 34, 54] },
  ownColour,
  ownPicture,
  { id: "none", text: "none", kind: "none" },
];

export const look: Look = { kind: "blur", colour: [0, 0, 0], picture: undefined, strength: 0.5 };

const MARKS: Partial<Record<string, string>> = {
  blur: "M12 3.5c4 4.6 6 7.4 6 10.2a6 6 0 0 1-12 0c0-2.8 2-5.600 6-10.2z",
  clear: "M6 6a2.500 2.500 0 1 0 .1 0M6 13a2.500 2.500 0 1 0 .1 0M8.200 9.700 20 17M8.200 14.300 20 7",
  none: "M4 4h16v16H4zM12 12.500a3.200 3.200 0 1 0-.1 0M6.500 20c.5-4 2.500-5.500 5.500-5.500s5 1.500 5.500 5.500",
  "own-picture": "M12 5v14M5 12h14",
};

/** Builds the row; `changed` is called when another look was chosen. */
export function build(changed: () => void): void {
  const strength = $("strength").querySelector("input")!;
  const choose = (choice: Choice) => {
    look.kind = choice.kind;
    look.colour = choice.colour ?? look.colour;
    look.picture = choice.picture?.();
    document.body.dataset.look = choice.kind;
    $("strength").querySelector("span")!.textContent = choice.kind === "blur" ? texts.strengthBlur : texts.strengthLight;
    $("strength").hidden = choice.kind === "clear" || choice.kind === "none";
    changed();
  };
  strength.addEventListener("input", () => {
    look.strength = Number(strength.value) / 100;
    changed();
  });
  for (const choice of CHOICES) $("swatches").append(swatch(choice, () => pick(choice, choose)));
  choose(CHOICES[0]!);

  const colour = $<HTMLInputElement>("own-colour");
  colour.addEventListener("input", () => {
    ownColour.colour = [1, 3, 5].map((at) => parseInt(colour.value.slice(at, at + 2), 16)) as [number, number, number];
    paint(ownColour);
    choose(ownColour);
  });
  const file = $<HTMLInputElement>("own");
  file.addEventListener("change", async () => {
    const [picture] = file.files ?? [];
    file.value = "";
    if (!picture) return;
    try {
      own = await canvasOf(picture, 1920);
      paint(ownPicture);
      choose(ownPicture);
    } catch {
      toast(texts.unreadable);
    }
  });
}

function pick(choice: Choice, choose: (choice: Choice) => void): void {
  if (choice === ownColour) $<HTMLInputElement>("own-colour").click();
  if (choice === ownPicture && !own) return $<HTMLInputElement>("own").click();
  choose(choice);
}

function swatch(choice: Choice, chosen: () => void): HTMLElement {
  const label = document.createElement("label");
  const input = document.createElement("input");
  Object.assign(input, { type: "radio", name: "look", value: choice.id, checked: choice === CHOICES[0] });
  input.addEventListener("change", chosen);
  if (choice === ownPicture) input.addEventListener("click", () => own && $<HTMLInputElement>("own").click());
  const dot = document.createElement("span");
  dot.className = "dot";
  dot.id = `dot-${choice.id}`;
  label.append(input, dot, texts[choice.text]);
  queueMicrotask(() => paint(choice));
  return label;
}

function paint(choice: Choice): void {
  const dot = $(`dot-${choice.id}`);
  const picture = choice.picture?.();
  const mark = MARKS[choice.id];
  dot.replaceChildren();
  if (choice.colour) dot.style.background = `rgb(${choice.colour.join()})`;
  if (picture) {
    const small = document.createElement("canvas");
    small.width = small.height = 104;
    const side = Math.min(picture.width, picture.height);
    const context = small.getContext("2d")!;
    context.imageSmoothingQuality = "high";
    context.drawImage(picture, (picture.width - side) / 2, (picture.height - side) / 2, side, side, 0, 0, 104, 104);
    dot.append(small);
  } else if (mark) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    svg.setAttribute("viewBox", "0 0 24 24");
    svg.setAttribute("aria-hidden", "true");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", mark);
    svg.append(path);
    dot.append(svg);
  }
}
