// The page from `fastportrait app` itself: on this computer, and to a phone that does not trust it yet.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { accessible } from "./page.mjs";

const astronaut = new URL("../../examples/astronaut.jpg", import.meta.url).pathname;

async function served(python, options, act) {
  const home = mkdtempSync(join(tmpdir(), "fastportrait-"));
  const child = spawn(python, ["-m", "fastportrait", "app", "--port", "0", ...options], {
    env: { ...process.env, HOME: home, XDG_CONFIG_HOME: home, PYTHONUNBUFFERED: "1" }, stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const url = await new Promise((resolve, reject) => {
      let said = "";
      child.stdout.on("data", (data) => {
        said += data;
        const found = /https?:\/\/\S+:\d+\//.exec(said);
        if (found) resolve(found[0]);
      });
      child.on("exit", (code) => reject(new Error(`it ended with ${code}: ${said}`)));
    });
    await act(url);
  } finally {
    child.kill("SIGINT");
    rmSync(home, { recursive: true, force: true });
  }
}

export async function served_by_Python_on_this_computer({ live, python }) {
  await served(python, [], async (url) => {
    const page = await live({ at: { url } });
    assert.equal(await page.evaluate(() => crossOriginIsolated), true);
    await page.evaluate(() => navigator.serviceWorker.ready);
    assert.equal(await page.isVisible("#not-kept"), false);
    await page.setInputFiles("#file", astronaut);
    await page.waitForSelector('body[data-state="still"]');
    await page.context().close();
  });
}

export async function served_to_a_phone_that_does_not_trust_it_yet({ open, frames, python, shots, forgive }) {
  forgive(/SSL certificate|ERR_CERT|fetching the script/i);
  await served(python, ["--lan", "--address", "127.0.0.1"], async (url) => {
    // the person went past the warning; browsers then refuse a service worker, which this Chromium may forget
    const init = 'navigator.serviceWorker.register = async () => { throw new DOMException("An SSL certificate error occurred", "SecurityError"); };';
    const page = await open({ at: { url }, init, ignoreHTTPSErrors: true, viewport: { width: 360, height: 640 }, colorScheme: "dark" });
    await page.waitForSelector("#not-kept:not([hidden])");
    await page.screenshot({ path: join(shots, "untrusted.png") });
    await accessible(page, "untrusted");
    await page.click("#start");
    await frames(page, 1);
    await page.click("#about-open");
    assert.match(await page.textContent("#authority"), /certificate/);
    await page.click("#authority a");
    await page.waitForSelector("h1");
    assert.match(await page.textContent("main"), /iPhone and iPad.*Certificate Trust Settings.*Android.*CA certificate/s);
    await page.screenshot({ path: join(shots, "authority.png"), fullPage: true });
    await accessible(page, "authority");
    await page.context().close();
  });
}
