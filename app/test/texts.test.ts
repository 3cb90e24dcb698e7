import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { texts } from "../src/texts";

const source = new URL("../src/", import.meta.url);
const html = readFileSync(new URL("../index.html", import.meta.url), "utf8");
const scripts = readdirSync(source, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts") && name !== "texts.ts")
  .map((name) => readFileSync(new URL(name, source), "utf8"))
  .join("\n");

test("the page names only texts that there are", () => {
  const named = [...html.matchAll(/data-(?:text|label)="(\w+)"/g)].map(([, name]) => name!);
  expect(named.length).toBeGreaterThan(30);
  expect(named.filter((name) => !(name in texts))).toEqual([]);
});

test("every text is used", () => {
  // troubles of the camera are looked up by their names
  const used = (name: string) => html.includes(`"${name}"`) || new RegExp(`texts\\.${name}\\b|"${name}"`).test(scripts);
  expect(Object.keys(texts).filter((name) => !used(name))).toEqual([]);
});

test("no word that a person reads stands outside of texts.ts", () => {
  const body = html.slice(html.indexOf("<body")).replace(/<svg[\s\S]*?<\/svg>/g, "");
  const words = body.replace(/<[^>]*>/g, " ").match(/[A-Za-z]{2,}/g) ?? [];
  const said = [...body.matchAll(/(?:aria-label|title|placeholder|alt)="([^"]+)"/g)].map(([, words]) => words);
  expect(words).toEqual([]);
  expect(said).toEqual([]);
});
