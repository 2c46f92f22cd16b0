import { randomBytes } from "node:crypto";
import { zstdCompressSync } from "node:zlib";
import { expect, test } from "@jest/globals";
import * as fc from "fast-check";
import type { Kept } from "../../src/domain/replay.ts";
import { compressKept, decodeKept, encodeKept } from "../../src/store/codec.ts";

const everyByte = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
const invoices = Buffer.from(
  JSON.stringify(Array.from({ length: 2_000 }, (_, i) => ({ id: i, number: `2026-${i}`, status: "open" }))),
);
const UUID = "0b6c1f3e-93d4-4a3c-8d54-1f0e0a7f4b21";
const USUAL_HEAD = [
  ["Content-Type", "application/json; charset=utf-8"],
  ["Date", "Sun, 22 Nov 2026 09:22:33 GMT"],
  ["Content-Length", "1000"],
  ["ETag", 'W/"3e8-uW"'],
  ["Cache-Control", "no-store"],
].flat();

const KEPT: [string, Kept][] = [
  ["an empty one", { kind: "answer", status: 204, headers: [], body: Buffer.alloc(0) }],
  [
    "all bytes in its body",
    { kind: "answer", status: 201, headers: ["Content-Type", "application/pdf"], body: everyByte },
  ],
  [
    "Latin-1, colons and repeats in its headers",
    { kind: "answer", status: 599, headers: ["X-Name", "caf\u00e9: b", "x-name", "", "A", "1"], body: everyByte },
  ],
  ["usual headers", { kind: "answer", status: 201, headers: USUAL_HEAD, body: invoices.subarray(0, 500) }],
  [
    "usual headers with names in lower case and in no case",
    {
      kind: "answer",
      status: 201,
      headers: USUAL_HEAD.flatMap((text, i) =>
        i % 2 ? [] : [text.toLowerCase(), USUAL_HEAD[i + 1]!, text.toUpperCase(), "1"],
      ),
      body: everyByte,
    },
  ],
  [
    "dates that are none, or written in another way",
    {
      kind: "answer",
      status: 200,
      headers: [
        "",
        "0",
        "256",
        "22 Nov 2026",
        "Sun, 22 Nov 2026 09:22:33 +0000",
        "Sun, 01 Jan 1950 00:00:00 GMT",
        "Thu, 01 Jan 2150 00:00:00 GMT",
        "x GMT",
      ].flatMap((value) => ["Date", value]),
      body: Buffer.from("\n\n"),
    },
  ],
  [
    "a body that begins with empty lines",
    { kind: "answer", status: 200, headers: ["A", ""], body: Buffer.from("\n\n\nA:") },
  ],
  ["what compresses well", { kind: "answer", status: 200, headers: USUAL_HEAD, body: invoices.subarray(0, 20_000) }],
  ["what is compressed in the background", { kind: "answer", status: 200, headers: USUAL_HEAD, body: invoices }],
  ["what does not compress", { kind: "answer", status: 200, headers: USUAL_HEAD, body: randomBytes(20_000) }],
  [
    "what does not compress, in the background",
    { kind: "answer", status: 200, headers: [], body: randomBytes(70_000) },
  ],
  [
    "all kinds of values that are stored shorter, and some that look so",
    {
      kind: "answer",
      status: 200,
      headers: [
        "Content-Length",
        "256",
        "X-Request-Id",
        UUID,
        "traceparent",
        UUID.toUpperCase(),
        "Other",
        UUID,
        "A",
        "\u0002",
        "B",
        "\0",
        "C",
        "\tx",
        "D",
        "\n",
        "Long",
        "\u00ff".repeat(20_000),
        "E",
        `${UUID} `,
        "",
        "",
      ],
      body: everyByte,
    },
  ],
  ["a Location instead of itself", { kind: "head", status: 201, location: "/invoices/1" }],
  ["what an operator said", { kind: "operator-answer", status: 201, headers: ["A", "1"], body: everyByte }],
  ["what a probe found", { kind: "probe-answer", status: 201, headers: ["A", "1"], body: invoices }],
  ["nothing: it was executed, and no more is known", { kind: "executed" }],
  ["nothing but its status", { kind: "head", status: 200, location: undefined }],
];

test.each(KEPT)("an answer with %s comes back as it was", async (_what, kept) => {
  expect(decodeKept(encodeKept(kept))).toEqual(kept);
  expect(decodeKept(await compressKept(encodeKept(kept)))).toEqual(kept);
});

test("any headers come back as they were", () => {
  const texts = fc
    .array(fc.integer({ min: 0, max: 0xff }), { maxLength: 40 })
    .map((bytes) => String.fromCharCode(...bytes));
  const values = fc.oneof(
    texts,
    fc.uuid(),
    fc.nat().map(String),
    fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
  );
  const names = fc.oneof(
    fc.stringMatching(/^[\w-]{0,20}$/),
    fc.constantFrom(...USUAL_HEAD.filter((_text, i) => i % 2 === 0)),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(names, values)), fc.nat(300), (headers, length) => {
      const kept: Kept = { kind: "answer", status: 200, headers: headers.flat(), body: Buffer.alloc(length) };
      expect(decodeKept(encodeKept(kept))).toEqual(kept);
    }),
    { numRuns: 1_000 },
  );
});

test("an answer is compressed where that saves something, and only there", async () => {
  const bytesOf = async (body: Buffer): Promise<number> =>
    (await compressKept(encodeKept({ kind: "answer", status: 200, headers: [], body }))).length;
  const prefix = await bytesOf(Buffer.alloc(0));
  expect(await bytesOf(invoices.subarray(0, 600))).toBe(prefix + 600);
  expect(await bytesOf(invoices.subarray(0, 2_000))).toBeLessThan(1_000);
  expect(await bytesOf(invoices)).toBeLessThan(invoices.length / 4);
  for (const bytes of [2_000, 70_000]) expect(await bytesOf(randomBytes(bytes))).toBe(prefix + bytes);
});

test("eight usual headers take less than 80 bytes", () => {
  const headers = [...USUAL_HEAD, "Location", "/invoices/1042", "Vary", "Accept-Encoding", "X-Request-Id", UUID];
  expect(encodeKept({ kind: "answer", status: 201, headers, body: Buffer.alloc(1_000) }).length).toBeLessThan(1_080);
});

test("what an earlier version wrote is read", () => {
  const head = "Content-Type:application/json\nX-Name:a: b\n";
  const bytes = Buffer.concat([Buffer.from([1, 1, 0, 201, 0, 0, 0, head.length]), Buffer.from(head), everyByte]);
  const headers = ["Content-Type", "application/json", "X-Name", "a: b"];
  expect(decodeKept(bytes)).toEqual({ kind: "answer", status: 201, headers, body: everyByte });
  expect(() => decodeKept(bytes.subarray(0, 20))).toThrow("cut");
  expect(decodeKept(Buffer.from([1, 4, 0, 0, 0, 0, 0, 0]))).toEqual({ kind: "executed" });
});

test("bytes that it did not make are refused, never read as something else", () => {
  const bytes = Buffer.from(encodeKept({ kind: "answer", status: 200, headers: ["A", "1"], body: everyByte }));
  const ofByte = (byte: number, at: number): Buffer =>
    Buffer.concat([bytes.subarray(0, at), Buffer.from([byte]), bytes.subarray(at + 1)]);
  expect(() => decodeKept(bytes.subarray(0, 3))).toThrow("unknown format");
  expect(() => decodeKept(bytes.subarray(0, 6))).toThrow("cut");
  expect(() => decodeKept(ofByte(3, 0))).toThrow("unknown format");
  expect(() => decodeKept(ofByte(9, 1))).toThrow("unknown kind");
  expect(() => decodeKept(ofByte(0xff, 5))).toThrow("unknown header");
});

test("what is compressed is refused where it is cut, changed, or longer or shorter than it says", async () => {
  const bytes = Buffer.from(
    await compressKept(encodeKept({ kind: "answer", status: 200, headers: [], body: invoices.subarray(0, 5_000) })),
  );
  const saying = (length: number): Buffer => {
    const changed = Buffer.from(bytes);
    changed.writeUInt32BE(length, 4);
    return changed;
  };
  const changed = Buffer.from(bytes);
  changed.writeUInt8(0, 8);
  for (const one of [
    bytes.subarray(0, 6),
    bytes.subarray(0, -1),
    changed,
    saying(4_000),
    saying(5_000_000),
    saying(2 ** 32 - 1),
  ])
    expect(() => decodeKept(one)).toThrow("compressed");
});

test("a small record that becomes huge is given up at the size that it says, and needs no more memory", () => {
  const bomb = zstdCompressSync(Buffer.alloc(200_000_000));
  const bytes = Buffer.concat([Buffer.from([2, 0x81, 0, 200, 0, 0, 0x10, 0]), bomb]);
  const before = process.memoryUsage().rss;
  expect(() => decodeKept(bytes)).toThrow("compressed");
  expect(process.memoryUsage().rss - before).toBeLessThan(50_000_000);
});
