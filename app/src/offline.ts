/** Offline after the first load, and an update when the person wants it: the page's side of sw.js. */
import { $, toast } from "./page";
import { texts } from "./texts";

export async function keep(): Promise<void> {
  if (!import.meta.env.PROD || !("serviceWorker" in navigator) || !isSecureContext) return;
  const container = navigator.serviceWorker;
  $("update-later").addEventListener("click", () => ($("update").hidden = true));
  const first = container.controller === null;
  try {
    const registration = await container.register("./sw.js");
    if (registration.waiting && container.controller) offer(registration);
    // an app on the home screen is seldom loaded anew: ask for a new version whenever it is looked at again
    document.addEventListener("visibilitychange", () => document.hidden || void registration.update().catch(() => {}));
    registration.addEventListener("updatefound", () => {
      const worker = registration.installing!;
      worker.addEventListener("statechange", () => {
        if (worker.state === "installed" && container.controller) offer(registration);
        if (worker.state === "activated" && first) toast(texts.offlineReady);
      });
    });
  } catch {
    // behind an untrusted certificate browsers refuse it; the page works, only not offline: say where the cure is
    for (const id of ["authority", "not-kept"]) $(id).hidden = false;
  }
}

function offer(registration: ServiceWorkerRegistration): void {
  $("update").hidden = false;
  $("update-now").onclick = () => {
    navigator.serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
    registration.waiting?.postMessage("now");
  };
}
