// Cameras as phones have them: two, mirrored or not, turned; and photos that come in without one.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { difference, iou } from "./masks.mjs";
import { decode } from "./png.mjs";

const astronaut = new URL("../../examples/astronaut.jpg", import.meta.url).pathname;

/** The rows of an RGB picture, each backwards. */
function mirrored({ pixels, width, height }) {
  const other = new Uint8Array(pixels.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++) other[3 * (y * width + x) + c] = pixels[3 * (y * width + width - 1 - x) + c];
  return other;
}

export async function the_preview_is_a_mirror_and_the_photo_is_not({ live, frames, film, saved }) {
  const page = await live();
  const turned = () => page.evaluate(() => getComputedStyle(document.querySelector("#holder canvas")).transform);
  assert.equal(await turned(), "matrix(-1, 0, 0, 1, 0, 0)");
  await page.check('input[value="none"]');
  await frames(page, 1);
  await page.click("#shoot");
  const photo = decode(readFileSync((await saved(page, "#result-save")).path));
  const pixels = photo.pixels.filter((_, i) => i % 4 < 3);
  const unlike = (make) => Math.min(...Array.from({ length: 12 }, (_, i) => difference(pixels, make(decode(readFileSync(join(film, `${i}-frame.png`)))))));
  const [straight, backwards] = [unlike(({ pixels }) => pixels), unlike(mirrored)];
  assert.ok(straight < 3 && backwards > 3 * straight, `the photo differs from the camera's frame by ${straight}, from its mirror image by ${backwards}`);
  await page.click("#result-close");
  await page.uncheck("#mirror");
  assert.equal(await turned(), "none");
}

const TWO = `
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  window.asked = [];
  let before = [];
  navigator.mediaDevices.enumerateDevices = async () => [{ kind: "videoinput" }, { kind: "videoinput" }];
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    window.asked.push([wanted.video.facingMode, before.every((track) => track.readyState === "ended")]);
    const stream = await ask(wanted);
    before = stream.getVideoTracks();
    const settings = before[0].getSettings();
    before[0].getSettings = () => ({ ...settings, facingMode: wanted.video.facingMode });
    return stream;
  };`;

export async function front_and_back({ live, frames }) {
  const page = await live({ init: TWO });
  const mirror = () => page.evaluate(() => document.querySelector("#holder").classList.contains("mirrored"));
  assert.equal(await mirror(), true);
  await page.click("#flip");
  await frames(page, 1);
  assert.equal(await mirror(), false, "what the back camera sees is mirrored");
  assert.equal(await page.isVisible("#mirror"), false);
  await page.click("#flip");
  await frames(page, 1);
  assert.equal(await mirror(), true);
  // a phone opens one camera at a time: the first must be given back before the second is asked for
  assert.deepEqual(await page.evaluate(() => window.asked), [["user", true], ["environment", true], ["user", true]]);
}

export async function one_camera_has_no_switch({ live }) {
  const page = await live();
  await page.waitForFunction(() => document.querySelector("#flip").hidden);
}

const turning = (picture) => `
  const canvas = document.createElement("canvas");
  const image = new Image();
  image.src = "${picture}";
  window.turn = (width, height) => [canvas.width, canvas.height] = [width, height];
  window.turn(640, 480);
  const side = () => Math.max(canvas.width, canvas.height);
  setInterval(() => canvas.getContext("2d").drawImage(image, (canvas.width - side()) / 2, 0, side(), side()), 80);
  navigator.mediaDevices.getUserMedia = async () => { await image.decode(); return canvas.captureStream(15); };`;

export async function a_phone_that_is_turned({ live, frames }) {
  const picture = `data:image/jpeg;base64,${readFileSync(astronaut).toString("base64")}`;
  const page = await live({ init: turning(picture) });
  const size = () => page.evaluate(() => { const { width, height } = document.querySelector("#holder canvas"); return [width, height]; });
  assert.deepEqual(await size(), [640, 480]);
  await page.evaluate(() => window.turn(480, 640));
  await page.waitForFunction(() => document.querySelector("#holder canvas").width === 480);
  await frames(page, 1);
  assert.deepEqual(await size(), [480, 640]);
  const [top, face] = await page.evaluate(() => {
    const { mask } = window.fastportrait.answer;
    const row = (y) => mask.slice(y * 256, (y + 1) * 256).filter((value) => value > 127).length;
    return [row(2), row(70)];
  });
  assert.ok(top === 0 && face > 30, `the mask's first row holds ${top} of the person, that of the face ${face}`);
}

/** A JPEG that lies on its side and says so in its EXIF, and the same as it shall be seen. */
const TURNED = `
import sys
from PIL import Image
upright = Image.open(sys.argv[1]).convert("RGB").crop((40, 0, 440, 512))
upright.save(sys.argv[2] + "/upright.png")
exif = Image.Exif()
exif[0x0112] = 6
upright.rotate(90, expand=True).save(sys.argv[2] + "/turned.jpg", quality=97, subsampling=0, exif=exif)
`;

export async function photos_are_turned_as_they_say({ open, film, python }) {
  execFileSync(python, ["-c", TURNED, astronaut, film]);
  for (const path of ["", "?stage=canvas"]) {
    const page = await open({ path });
    const masks = [];
    for (const name of ["upright.png", "turned.jpg"]) {
      await page.evaluate(() => delete window.fastportrait);
      await page.setInputFiles("#file", join(film, name));
      await page.waitForFunction(() => window.fastportrait?.answer);
      masks.push(await page.evaluate(() => [...window.fastportrait.answer.mask]));
      assert.deepEqual(await page.evaluate(() => { const { width, height } = document.querySelector("#holder canvas"); return [width, height]; }), [400, 512]);
    }
    assert.ok(iou(...masks) >= 0.99, `${name(path)}: the turned photo's mask is another one: IoU ${iou(...masks)}`);
  }
}
const name = (path) => path || "the GPU's stage";

export async function a_photo_dropped_on_the_page({ open }) {
  const page = await open({ permissions: [] });
  await page.evaluate((bytes) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(bytes)], "me.jpg", { type: "image/jpeg" }));
    document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
  }, [...readFileSync(astronaut)]);
  await page.waitForSelector('body[data-state="still"]');
  assert.ok(await page.evaluate(() => window.fastportrait.answer.mask.some((value) => value > 200)));
}

export async function a_photo_overtakes_the_camera_and_the_camera_a_photo({ live, frames, open }) {
  const page = await live();
  await page.setInputFiles("#file", astronaut);
  await page.waitForSelector('body[data-state="still"]');
  assert.equal(await page.evaluate(() => document.querySelector("#video").srcObject), null, "the camera is still on");
  const slow = await open({ init: `
    const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    window.streams = [];
    navigator.mediaDevices.getUserMedia = async (wanted) => {
      await new Promise((done) => setTimeout(done, 1500));
      const stream = await ask(wanted);
      window.streams.push(stream);
      return stream;
    };` });
  await slow.click("#start");
  await slow.setInputFiles("#file", astronaut);
  await slow.waitForSelector('body[data-state="still"]');
  await slow.waitForFunction(() => window.streams.length);
  await slow.waitForFunction(() => window.streams[0].getTracks().every((track) => track.readyState === "ended"));
  assert.equal(await slow.getAttribute("body", "data-state"), "still", "the camera that came late took the photo away");
}
