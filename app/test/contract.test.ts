import { expect, test } from "vitest";
import portrait from "../model/portrait.json";
import { read } from "../src/contract";

test("the shipped portrait.json is one that the app can follow", () => {
  expect(read(portrait).name).toBe("small");
});

test("another contract is refused in words, not followed half", () => {
  expect(() => read({ ...portrait, schema: "portrait/2" })).toThrow("schema portrait/2");
  expect(() => read({ ...portrait, input: { ...portrait.input, channels: "BGR" } })).toThrow("input BGR");
  expect(() => read({ ...portrait, input: { ...portrait.input, fit: "letterbox" } })).toThrow("fit letterbox");
  expect(() => read({ ...portrait, output: { ...portrait.output, meaning: "logit" } })).toThrow("output logit");
});
