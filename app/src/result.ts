/** What was taken or recorded, shown before it is saved or shared. */
import { canShare, save, share } from "./give";
import { $, dialog, toast } from "./page";
import { texts } from "./texts";

let file: File | undefined;
let url = "";

export function build(): void {
  const element = dialog("result", () => {
    $("result-view").replaceChildren();
    URL.revokeObjectURL(url);
    file = undefined;
  });
  $("result-close").addEventListener("click", () => element.close());
  $("result-save").addEventListener("click", () => {
    save(file!);
    toast(texts.saved);
  });
  $("result-share").addEventListener("click", () => void share(file!).then((how) => how === "saved" && toast(texts.savedInstead)));
}

/** `words` say what else there is to know about it. */
export function show(made: File, words = ""): void {
  file = made;
  url = URL.createObjectURL(made);
  const video = made.type.startsWith("video/");
  const view = document.createElement(video ? "video" : "img");
  view.src = url;
  const title = video ? texts.clipReady : texts.photoReady;
  if (view instanceof HTMLVideoElement) {
    Object.assign(view, { controls: true, loop: true, playsInline: true, muted: true });
    view.setAttribute("aria-label", title);
    void view.play().catch(() => {});
  } else view.alt = title;
  $("result-title").textContent = title;
  $("result-view").replaceChildren(view);
  $("result-note").textContent = words;
  $("result-note").hidden = !words;
  const sharable = canShare(made);
  $("result-share").hidden = !sharable;
  $("result-save").className = sharable ? "second" : "primary";
  $<HTMLDialogElement>("result").showModal();
}
