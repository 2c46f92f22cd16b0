import { expect, test } from "@jest/globals";
import { Pieces } from "../src/pieces.ts";

test("pieces of any length make the whole in their order", () => {
  const pieces = new Pieces();
  const all = Buffer.from(Array.from({ length: 10_000 }, (_, i) => i % 251));
  for (let at = 0, length = 0; at < all.length; at += length, length = (length + 7) % 300)
    pieces.add(all.subarray(at, at + length));
  expect(pieces.whole().equals(all)).toBe(true);
  expect(pieces.length).toBe(all.length);
});

test("no pieces make an empty whole", () => {
  expect(new Pieces().whole()).toEqual(Buffer.alloc(0));
});

test("what a piece came in is never written to: it is somebody else's memory", () => {
  const shared = Buffer.from("abcdef");
  const pieces = new Pieces();
  pieces.add(shared.subarray(0, 2));
  pieces.add(Buffer.from("XY"));
  expect([pieces.whole().toString(), shared.toString()]).toEqual(["abXY", "abcdef"]);
});

test("a million pieces of one byte take about the memory that they count", () => {
  const pieces = new Pieces();
  const count = 1_000_000;
  const one = Buffer.from("x");
  for (let i = 0; i < count; i++) pieces.add(one.subarray(0, 1));
  expect(pieces.whole().length).toBe(count);
  expect(pieces.whole().buffer.byteLength).toBeLessThanOrEqual(2 * count);
});
