/** The page's elements and small habits: finding them, toasts, dialogs. */

export function $<T extends Element = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no element ${id}`);
  return found as unknown as T;
}

let timer: ReturnType<typeof setTimeout> | undefined;

/** A few words that go away by themselves; before an open dialog, which would cover them. */
export function toast(words: string): void {
  const element = $("toast");
  (document.querySelector("dialog[open]") ?? document.body).append(element);
  element.textContent = words;
  element.classList.add("up");
  clearTimeout(timer);
  timer = setTimeout(() => element.classList.remove("up"), 3500);
}

/** A dialog that its "close" buttons and a tap beside it close. */
export function dialog(id: string, closed: () => void = () => {}): HTMLDialogElement {
  const element = $<HTMLDialogElement>(id);
  for (const button of element.querySelectorAll("[data-close]")) button.addEventListener("click", () => element.close());
  element.addEventListener("click", (event) => event.target === element && element.close());
  element.addEventListener("close", closed);
  return element;
}
