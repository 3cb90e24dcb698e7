/** What is said over the picture: a note, that something loads, or a trouble with a button that tries again. */
import { $ } from "./page";

let again: () => void = () => {};

/** A few words at the foot of the picture; none take them away. */
export function note(words: string): void {
  $("note").textContent = words;
  $("note").hidden = !words;
}

export function noted(): string {
  return $("note").textContent;
}

/** What went wrong, in words, with a button that tries it again. */
export function trouble(words: string, retry: () => void): void {
  wait(false);
  again = retry;
  $("trouble").querySelector("p")!.textContent = words;
  $("trouble").hidden = false;
}

export function wait(on: boolean): void {
  $("wait").hidden = !on;
  if (on) well();
}

/** Nothing is wrong any more. */
export function well(): void {
  $("trouble").hidden = true;
}

export function build(): void {
  $("retry").addEventListener("click", () => again());
}
