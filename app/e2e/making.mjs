// What a person makes with it: other backgrounds, a photo, a clip.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { decode } from "./png.mjs";

const astronaut = new URL("../../examples/astronaut.jpg", import.meta.url).pathname;

async function still({ open }, path = "") {
  const page = await open({ path });
  await page.setInputFiles("#file", astronaut);
  await page.waitForSelector('body[data-state="still"]');
  return page;
}

/** The photo that the shutter gives, as pixels. */
async function shot(page) {
  await page.click("#shoot");
  const saving = page.waitForEvent("download");
  await page.click("#result-save");
  const download = await saving;
  const picture = decode(readFileSync(await download.path()));
  await page.click("#result-close");
  return { ...picture, name: download.suggestedFilename(), at: (x, y) => [...picture.pixels.subarray(4 * (y * picture.width + x), 4 * (y * picture.width + x) + 4)] };
}

async function backgrounds(e2e, path) {
  const page = await still(e2e, path);
  const original = (await page.check('input[value="none"]'), await shot(page));
  const face = [225, 110]; // of the astronaut: on her face; the corner is behind her
  const corner = [12, 12];
  assert.deepEqual([original.width, original.height], [512, 512]);
  for (const look of ["green", "white", "dawn", "blur", "clear"]) {
    await page.check(`input[value="${look}"]`);
    const photo = await shot(page);
    const [r, g, b, a] = photo.at(...corner);
    assert.match(photo.name, /^portrait-\d{4}-\d\d-\d\d-\d{6}\.png$/);
    if (look === "green") assert.ok(Math.abs(r) < 6 && Math.abs(g - 177) < 6 && Math.abs(b - 64) < 6, `green is ${[r, g, b]}`);
    if (look === "white") assert.ok(r > 240 && g > 240 && b > 236, `white is ${[r, g, b]}`);
    if (look === "dawn") assert.ok(b > r + 20, `the sky is ${[r, g, b]}`);
    if (look === "clear") assert.ok(a <= 3, `the cut-out's corner is not clear: ${a}`);
    else assert.equal(a, 255, `${look}: the photo is not opaque`);
    const skin = photo.at(...face);
    const before = original.at(...face);
    for (let c = 0; c < 3; c++) assert.ok(Math.abs(skin[c] - before[c]) <= 10, `${look}: her face is ${skin}, was ${before}`);
    assert.equal(skin[3], 255);
  }
}

export const backgrounds_change_on_the_GPU = (e2e) => backgrounds(e2e, "");
export const backgrounds_change_on_a_canvas = (e2e) => backgrounds(e2e, "?stage=canvas");

/** The new background's light falls on the person's rim, by the slider, and nowhere else. */
async function lit(e2e, path) {
  const page = await still(e2e, path);
  await page.check('input[value="white"]');
  const at = async (strength) => {
    await page.evaluate((value) => {
      const slider = document.querySelector("#strength input");
      slider.value = value;
      slider.dispatchEvent(new Event("input"));
    }, strength);
    return shot(page);
  };
  const [dark, light] = [await at(0), await at(100)];
  const brighter = (x, y) => Math.max(...[0, 1, 2].map((c) => Math.abs(light.at(x, y)[c] - dark.at(x, y)[c])));
  let rim = 0;
  for (let y = 0; y < 512; y += 2) for (let x = 0; x < 512; x += 2) rim += brighter(x, y) > 12;
  assert.ok(rim > 300 && rim < 20_000, `${rim} of 65536 pixels are lit`);
  assert.ok(brighter(12, 12) <= 1 && brighter(225, 110) <= 4, `the background changed by ${brighter(12, 12)}, her face by ${brighter(225, 110)}`);
}

export const edges_take_the_new_light_on_the_GPU = (e2e) => lit(e2e, "");
export const edges_take_the_new_light_on_a_canvas = (e2e) => lit(e2e, "?stage=canvas");

export async function a_colour_and_a_picture_of_ones_own(e2e) {
  const page = await still(e2e);
  await page.evaluate(() => {
    const input = document.querySelector("#own-colour");
    input.value = "#c81e1e";
    input.dispatchEvent(new Event("input"));
  });
  const [red, green, blue] = (await shot(page)).at(12, 12);
  assert.ok(Math.abs(red - 200) < 3 && Math.abs(green - 30) < 3 && Math.abs(blue - 30) < 3, `the colour is ${[red, green, blue]}`);
  await page.setInputFiles("#own", new URL("../public/icon-512.png", import.meta.url).pathname);
  await page.waitForSelector('#dot-own-picture canvas');
  await page.waitForSelector('body[data-look="picture"]');
  const [r, g, b] = (await shot(page)).at(60, 12);
  assert.ok(Math.abs(r - 15) < 8 && Math.abs(g - 27) < 8 && Math.abs(b - 26) < 8, `the picture is ${[r, g, b]}`);
}

export async function an_empty_room_is_nobody({ open }) {
  const page = await open();
  const wall = await page.evaluate(async () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 400, height: 300 });
    const context = canvas.getContext("2d");
    context.fillStyle = "#a9b7a0";
    context.fillRect(0, 0, 400, 300);
    return [...new Uint8Array(await (await new Promise((done) => canvas.toBlob(done))).arrayBuffer())];
  });
  await page.setInputFiles("#file", { name: "wall.png", mimeType: "image/png", buffer: Buffer.from(wall) });
  await page.waitForSelector('body[data-state="still"]');
  assert.equal(await page.textContent("#note"), "Nobody is in the picture");
  assert.equal(await page.evaluate(() => Math.max(...window.fastportrait.answer.mask)), 0);
}

export async function a_clip_is_what_was_shown({ live, frames }) {
  const page = await live();
  await page.check('input[value="green"]');
  await frames(page, 1);
  await page.click("#record");
  await page.waitForSelector("#badge:not([hidden])");
  await page.waitForTimeout(1500);
  await frames(page, 2);
  await page.click("#record");
  await page.waitForSelector("#result-view video");
  const clip = await page.evaluate(async () => {
    const video = document.querySelector("#result-view video");
    if (video.readyState < 2) await new Promise((done) => video.addEventListener("loadeddata", done, { once: true }));
    const canvas = Object.assign(document.createElement("canvas"), { width: video.videoWidth, height: video.videoHeight });
    const context = canvas.getContext("2d");
    context.drawImage(video, 0, 0);
    return { size: [canvas.width, canvas.height], corner: [...context.getImageData(8, 8, 1, 1).data], src: video.src.slice(0, 5) };
  });
  assert.deepEqual(clip.size, [640, 480]);
  const [r, g, b] = clip.corner;
  assert.ok(g > r + 80 && g > b + 60, `its corner is ${clip.corner}`);
  const saving = page.waitForEvent("download");
  await page.click("#result-save");
  assert.match((await saving).suggestedFilename(), /^portrait-.*\.(mp4|webm)$/);
}

export async function a_clip_that_is_cut_out_keeps_its_transparency({ live, frames }) {
  const page = await live();
  await page.check('input[value="clear"]');
  await frames(page, 1);
  await page.click("#record");
  await page.waitForSelector("#badge:not([hidden])");
  await page.waitForTimeout(1500);
  await frames(page, 2);
  await page.click("#record");
  await page.waitForSelector("#result-view video");
  assert.equal(await page.isVisible("#result-note"), false);
  const { type, corner, most } = await page.evaluate(async () => {
    const video = document.querySelector("#result-view video");
    if (video.readyState < 2) await new Promise((done) => video.addEventListener("loadeddata", done, { once: true }));
    const canvas = Object.assign(document.createElement("canvas"), { width: video.videoWidth, height: video.videoHeight });
    const context = canvas.getContext("2d");
    context.drawImage(video, 0, 0);
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    let most = 0;
    for (let i = 3; i < data.length; i += 4) most = Math.max(most, data[i]);
    return { type: video.currentSrc, corner: data[4 * (8 * canvas.width + 8) + 3], most };
  });
  assert.ok(type && corner < 20 && most > 230, `alpha is ${corner} in the corner, ${most} at most`);
}

export async function shared_where_the_phone_can_and_else_saved(e2e) {
  const page = await still({ open: (options) => e2e.open({ ...options, init: `
    window.shared = [];
    window.refuse = "";
    navigator.canShare = ({ files }) => files.length === 1;
    navigator.share = async ({ files: [file] }) => {
      if (window.refuse) throw new DOMException("no", window.refuse);
      window.shared.push([file.name.split(".")[1], file.type, file.size > 1000]);
    };` }) });
  await page.click("#shoot");
  await page.click("#result-share");
  assert.deepEqual(await page.evaluate(() => window.shared), [["png", "image/png", true]]);
  const files = [];
  page.on("download", (download) => files.push(download.suggestedFilename()));
  await page.evaluate(() => (window.refuse = "AbortError")); // the person closed the sheet
  await page.click("#result-share");
  await page.evaluate(() => (window.refuse = "NotAllowedError"));
  const { name } = await e2e.saved(page, "#result-share");
  assert.match(name, /^portrait-.*\.png$/);
  await page.waitForFunction(() => /so it was saved/.test(document.querySelector("#toast").textContent));
  assert.equal(files.length, 1, "a sheet that was closed saved a file");
  await page.waitForTimeout(300);
  const top = await page.evaluate(() => {
    const toast = document.querySelector("#toast");
    const { left, top, width, height } = toast.getBoundingClientRect();
    toast.style.pointerEvents = "auto";
    return toast.contains(document.elementFromPoint(left + width / 2, top + height / 2));
  });
  assert.ok(top, "the dialog covers what is said");
}
