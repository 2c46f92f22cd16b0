import { randomUUID } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { headerOf } from "../support/held-upstream.ts";
import { install, Order, portOf } from "../support/installation.ts";
import type { Installation } from "../support/installation.ts";
import { exchange } from "../support/raw-exchange.ts";
import type { Exchange } from "../support/raw-exchange.ts";
import { STORES } from "../support/test-store.ts";

const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
/** What may stand in a header and is no ASCII: 0x80 to 0xff. */
const LATIN1 = EVERY_BYTE.subarray(0x80).toString("latin1");

/** The lines of an answer's head, status line first; header bytes as Latin-1 text. */
const linesOf = ({ head }: Exchange): string[] => head.split("\r\n");
const named = (name: string) => (line: string) => line.toLowerCase().startsWith(`${name}:`);
const valuesIn = (answer: Exchange, name: string) =>
  linesOf(answer)
    .filter(named(name))
    .map((line) => line.slice(name.length + 2));

/** Byte for byte the same, but for the mark of a replay and for cookies, which are never handed on. */
function expectReplay(replay: Exchange, first: Exchange): void {
  expect(valuesIn(first, "idempotent-replayed")).toEqual([]);
  expect(valuesIn(replay, "idempotent-replayed")).toEqual(["true"]);
  const isMark = named("idempotent-replayed");
  const isCookie = named("set-cookie");
  expect(linesOf(replay).filter((line) => !isMark(line))).toEqual(linesOf(first).filter((line) => !isCookie(line)));
  expect(replay.body.equals(first.body)).toBe(true);
  expect([first.end, replay.end]).toEqual(["FIN", "FIN"]);
}

describe.each(STORES)("on %s", (_, startStore) => {
  let site: Installation;
  beforeAll(async () => {
    site = await install(startStore);
  });
  afterAll(() => site.close());

  /** First answer and replay of POST /samples; asserts that the sample API worked once. */
  async function twice(shape: string): Promise<[first: Exchange, replay: Exchange]> {
    const before = await site.api.count("/samples");
    const headers = { "x-idempotency-key": randomUUID(), "x-sample-answer": shape };
    const post = () => exchange(portOf(site.gateway), "/samples", headers, EVERY_BYTE);
    const answers: [Exchange, Exchange] = [await post(), await post()];
    expect(await site.api.count("/samples")).toBe(before + 1);
    return answers;
  }

  describe("a replay is byte for byte the first answer", () => {
    test("JSON, with Location", async () => {
      const [first, replay] = await twice("json");
      expectReplay(replay, first);
      const { id } = JSON.parse(first.body.toString()) as { id: number };
      expect([linesOf(first)[0], valuesIn(first, "location")]).toEqual(["HTTP/1.1 201 Created", [`/samples/${id}`]]);
      expect(valuesIn(replay, "location")).toEqual([`/samples/${id}`]);
    });

    test("a PDF", async () => {
      const [first, replay] = await twice("pdf");
      expectReplay(replay, first);
      expect(first.body.subarray(0, 5).toString()).toBe("%PDF-");
      expect(valuesIn(replay, "content-type")).toEqual(["application/pdf"]);
    });

    test("gzip, which stays as it was coded", async () => {
      const [first, replay] = await twice("gzip");
      expectReplay(replay, first);
      expect(valuesIn(replay, "content-encoding")).toEqual(["gzip"]);
      expect(JSON.parse(gunzipSync(replay.body).toString())).toEqual({ id: expect.any(Number) });
    });

    test("an empty 204", async () => {
      const [first, replay] = await twice("empty");
      expectReplay(replay, first);
      expect([linesOf(replay)[0], replay.body.length]).toEqual(["HTTP/1.1 204 No Content", 0]);
      expect([...valuesIn(replay, "content-length"), ...valuesIn(replay, "transfer-encoding")]).toEqual([]);
    });

    test("a chunked answer, whose chunks are no part of it", async () => {
      const [first, replay] = await twice("chunked");
      expectReplay(replay, first);
      expect(JSON.parse(replay.body.toString())).toMatchObject({ text: "in three chunks" });
      expect([valuesIn(replay, "content-length"), valuesIn(replay, "transfer-encoding")]).toEqual([
        [String(first.body.length)],
        [],
      ]);
    });

    test("repeated headers, in their order and without the cookies", async () => {
      const [first, replay] = await twice("repeated-headers");
      expectReplay(replay, first);
      for (const answer of [first, replay]) {
        expect(valuesIn(answer, "x-sample-note")).toEqual(["first", "second"]);
        expect(valuesIn(answer, "link")).toEqual(['</samples?page=2>; rel="next"', '</samples?page=9>; rel="last"']);
      }
      expect(valuesIn(first, "set-cookie")).toEqual(["session=one; Path=/", "theme=dark; Path=/"]);
      expect(valuesIn(replay, "set-cookie")).toEqual([]);
    });

    test("header bytes above 127", async () => {
      const [first, replay] = await twice("latin1");
      expectReplay(replay, first);
      expect(valuesIn(replay, "x-sample-name")).toEqual(["Caf\xe9 Z\xfcrich \xa7\xff"]);
      expect(replay.received.includes(Buffer.from("Caf\xe9", "latin1"))).toBe(true);
    });

    test("a megabyte", async () => {
      const [first, replay] = await twice("large:1000000");
      expectReplay(replay, first);
      expect(replay.body.length).toBe(1_000_000);
    });

    test("an invoice, with its Location and the correlation id of its first request", async () => {
      const order = new Order(site.api);
      const post = (correlation: string) =>
        exchange(
          portOf(site.gateway),
          "/invoices",
          { "content-type": "application/json", "x-idempotency-Key": order.key, "x-correlationId": correlation },
          order.body(),
        );
      const [first, replay] = [await post("one"), await post("two")];
      expectReplay(replay, first);
      expect(valuesIn(replay, "location")).toEqual([expect.stringMatching(/^\/invoices\/\d+$/)]);
      expect(valuesIn(replay, "x-correlationid")).toEqual(["one"]);
      expect(await order.made()).toBe(1);
    });
  });

  test.each([200, 201, 202, 409, 500])("status %d, headers and body are the upstream's own", async (status) => {
    const key = randomUUID();
    const own = [
      "X-ODD-case",
      "a  b",
      "x-odd-CASE",
      "",
      "X-Latin",
      LATIN1,
      "ETag",
      '"7"',
      "Date",
      "Mon, 01 Jan 2024 00:00:00 GMT",
    ];
    const hopByHop = ["X-Hop", "1", "Keep-Alive", "timeout=9", "Connection", "x-hop"];
    const post = () => exchange(portOf(site.holding), "/any", { "x-idempotency-key": key, "x-test": key }, "{}");
    const answer = post();
    (await site.held.arrived(key)).answer(status, [...own, ...hopByHop], EVERY_BYTE);
    const [first, replay] = [await answer, await post()];
    expectReplay(replay, first);
    expect(replay.body.equals(EVERY_BYTE)).toBe(true);
    expect(linesOf(first)[0]).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(linesOf(first).slice(1)).toEqual([
      "X-ODD-case: a  b",
      "x-odd-CASE: ",
      `X-Latin: ${LATIN1}`,
      'ETag: "7"',
      "Date: Mon, 01 Jan 2024 00:00:00 GMT",
      "Content-Length: 256",
      "Via: 1.1 oncegate",
      "Connection: close",
    ]);
    expect(site.held.count(key)).toBe(1);
  });

  describe("what reaches the upstream", () => {
    const target = "/Documents/%C3%BC%3ax?x=%20a&y[]=1&&Z=%e9";

    test.each(["POST", "PATCH"])("is the %s as it was sent: target, headers and body", async (method) => {
      const sending = randomUUID();
      const key = String.raw`"${sending} \"quoted\" \\ key"`;
      const own = {
        "X-Idempotency-KEY": key,
        AUTHORIZATION: "Bearer  two  spaces",
        "X-Note": ["first", "second"],
        "x-Latin": LATIN1,
        Cookie: "a=1; b=2",
        "Content-TYPE": "Application/Octet-Stream; a=b",
        "x-test": sending,
      };
      const body = Buffer.concat(Array.from({ length: 1_024 }, () => EVERY_BYTE));
      const post = () => exchange(portOf(site.holding), target, own, body, method);
      const answer = post();
      const arrival = await site.held.arrived(sending);
      arrival.created({});
      expectReplay(await post(), await answer);

      expect(arrival).toMatchObject({ method, target });
      expect(arrival.body.equals(body)).toBe(true);
      const expected = Object.entries(own).flatMap(([name, values]) =>
        [values].flat().flatMap((value) => [name, value]),
      );
      const received = pairs(arrival.headers).filter(([name]) => name in own);
      expect(received.flat()).toEqual(expected);
      expect(headerOf(arrival.headers, "content-length")).toEqual([String(body.length)]);
      expect(headerOf(arrival.headers, "x-forwarded-for")).toEqual(["127.0.0.1"]);
      expect(headerOf(arrival.headers, "via")).toEqual([expect.stringMatching(/^1\.1 oncegate-[\da-f]{8}$/)]);
      expect(site.held.count(sending)).toBe(1);
    });

    test("is the body of a chunked upload, however it was cut into chunks", async () => {
      const key = randomUUID();
      const chunked = (...chunks: string[]) =>
        [...chunks, ""].map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join("");
      const headers = {
        "x-idempotency-key": key,
        "x-test": key,
        "content-length": [],
        "transfer-encoding": "chunked",
        "content-type": "text/plain",
      };
      const post = (...chunks: string[]) => exchange(portOf(site.holding), "/any", headers, chunked(...chunks));
      const answer = post("one body", " in two");
      const arrival = await site.held.arrived(key);
      arrival.created({ id: 1 });
      expect(arrival.body.toString()).toBe("one body in two");
      expect(headerOf(arrival.headers, "content-length")).toEqual(["15"]);
      expectReplay(await post("one ", "body in ", "two"), await answer);
      expect(site.held.count(key)).toBe(1);
    });
  });
});

function pairs(raw: readonly string[]): [name: string, value: string][] {
  return Array.from({ length: raw.length / 2 }, (_, i) => [raw[2 * i]!, raw[2 * i + 1]!]);
}
