import { expect, test } from "@jest/globals";
import type { Kept } from "../../src/domain/replay.ts";
import { decodeKept, encodeKept } from "../../src/store/codec.ts";

const everyByte = Buffer.from(Array.from({ length: 256 }, (_, i) => i));

test.each<[string, Kept]>([
  ["an empty one", { kind: "answer", status: 204, headers: [], body: Buffer.alloc(0) }],
  [
    "all bytes in its body",
    { kind: "answer", status: 201, headers: ["Content-Type", "application/pdf"], body: everyByte },
  ],
  [
    "Latin-1, colons and repeats in its headers",
    { kind: "answer", status: 599, headers: ["X-Name", "caf\u00e9: b", "x-name", "", "A", "1"], body: everyByte },
  ],
  ["a Location instead of itself", { kind: "head", status: 201, location: "/invoices/1" }],
  ["what an operator said", { kind: "operator-answer", status: 201, headers: ["A", "1"], body: everyByte }],
  ["nothing: it was executed, and no more is known", { kind: "executed" }],
  ["nothing but its status", { kind: "head", status: 200, location: undefined }],
])("an answer with %s comes back as it was", (_what, kept) => {
  expect(decodeKept(encodeKept(kept))).toEqual(kept);
});

test("bytes that it did not make are refused, never read as something else", () => {
  const bytes = Buffer.from(encodeKept({ kind: "answer", status: 200, headers: ["A", "1"], body: everyByte }));
  expect(() => decodeKept(bytes.subarray(0, 5))).toThrow("unknown format");
  expect(() => decodeKept(bytes.subarray(0, 9))).toThrow("cut");
  expect(() => decodeKept(Buffer.concat([Buffer.from([2]), bytes.subarray(1)]))).toThrow("unknown format");
  expect(() => decodeKept(Buffer.concat([Buffer.from([1, 9]), bytes.subarray(2)]))).toThrow("unknown kind");
});
