import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { readContent } from "../../src/domain/content.ts";
import { fieldsOf } from "../../src/domain/fields.ts";
import { sight } from "../../src/domain/probe.ts";
import type { Probe } from "../../src/domain/probe.ts";
import { parseTemplate } from "../../src/domain/question.ts";
import type { Unknown } from "../../src/domain/record.ts";
import { look } from "../../src/domain/settlement.ts";
import { parseSource } from "../../src/domain/source.ts";

const STARTED_AT = Date.parse("2026-11-22T12:00:00Z");
const PROBE: Probe = {
  request: { method: "GET", target: parseTemplate("/invoices")!, headers: [] },
  found: "/data",
  equals: [{ pointer: "/number", source: parseSource("body:number")! }],
  since: "/at",
  absent: [410],
  status: 200,
  afterMs: 1,
};
const body = Buffer.from('{"number":7}');
const input = {
  headers: {},
  path: "/invoices",
  query: "",
  fields: fieldsOf(readContent("application/json", undefined, body)),
  claims: () => undefined,
};
const seen = (json: unknown, differing: Partial<Probe> = {}, status = 200) =>
  sight({ ...PROBE, ...differing }, { status, json }, { input, startedAt: STARTED_AT });
const MADE = { number: "7", at: "2026-11-22T12:00:01Z" };
const ANYTHING = { equals: [], since: undefined };

describe("what an answer to a probe says", () => {
  test.each<[string, unknown, Partial<Probe>, string]>([
    ["the one in a list that has all in common", { data: [{ ...MADE, number: 8 }, MADE] }, {}, "/data/1"],
    ["a number and its text", { data: [{ ...MADE, number: 7 }] }, {}, "/data/0"],
    ["an element that is named", { data: [MADE] }, { found: "/data/0" }, "/data/0"],
    ["the whole answer", MADE, { found: "" }, ""],
    ["an object that stands alone, where nothing is compared", { data: {} }, ANYTHING, "/data"],
    ["one in a list, where nothing is compared: it may be any other", { data: [MADE] }, ANYTHING, "unclear"],
    [
      "one of seconds that began before the operation did",
      { data: [{ ...MADE, at: STARTED_AT / 1_000 - 1 }] },
      {},
      "/data/0",
    ],
    ["one of milliseconds", { data: [{ ...MADE, at: STARTED_AT + 1 }] }, {}, "/data/0"],
    ["one of another zone", { data: [{ ...MADE, at: "2026-11-22T13:00:00.5+01:00" }] }, {}, "/data/0"],
    ["one that is older", { data: [{ ...MADE, at: "2026-11-22T11:59:54Z" }] }, {}, "unclear"],
    ["one without a zone", { data: [{ ...MADE, at: "2026-11-22T12:00:01" }] }, {}, "unclear"],
    ["one of a day", { data: [{ ...MADE, at: "2026-11-23" }] }, {}, "unclear"],
    ["one without a date", { data: [{ number: "7" }] }, {}, "unclear"],
    ["another number", { data: [{ ...MADE, number: "70" }] }, {}, "unclear"],
    [
      "what the request does not have",
      { data: [MADE] },
      { equals: [{ pointer: "/number", source: parseSource("body:no")! }] },
      "unclear",
    ],
    ["a list of no objects", { data: [1, null] }, ANYTHING, "unclear"],
    ["the second of a list of one", { data: [MADE] }, { found: "/data/1" }, "unclear"],
    ["another answer", { error: "later" }, {}, "unclear"],
    ["no JSON", undefined, {}, "unclear"],
  ])("%s is found, or it does not tell", (_, json, differing, pointer) => {
    const said = seen(json, differing);
    expect(said.kind === "found" ? said.pointer : said.kind).toBe(pointer);
  });

  test("an absence is an empty list, a null or a status that is named, and nothing else", () => {
    const absent = { kind: "absent" };
    expect(seen({ data: [] })).toEqual(absent);
    expect(seen({ data: null })).toEqual(absent);
    expect(seen({ data: [] }, { found: "/data/0" })).toEqual(absent);
    expect(seen(null, { found: "" })).toEqual(absent);
    expect(seen(undefined, {}, 410)).toEqual(absent);
    for (const status of [201, 204, 206, 301, 400, 401, 403, 404])
      expect(seen({ data: [] }, {}, status)).toEqual({ kind: "unclear", why: `the API answered ${status}` });
    for (const json of [{}, { data: {}, found: 0 }, { data: "" }, { data: 0 }, { data: false }, []])
      expect(seen(json).kind).toBe("unclear");
  });
});

test("a first look is never taken for older than it is while one of the two clocks tells the time", () => {
  const step = fc.record({
    passes: fc.nat(500_000),
    jumps: fc.integer({ min: -1_000_000, max: 1_000_000 }),
    looks: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.constantFrom("store", "gateway"), fc.array(step, { maxLength: 20 }), (liar, steps) => {
      let record: Unknown = {
        state: "unknown",
        owner: "o",
        fingerprint: "f",
        credential: "c",
        startedAt: 0,
        reason: "owner-lost",
      };
      let [time, lie] = [10_000_000, 0];
      let firstLookAt: number | undefined;
      for (const { passes, jumps, looks } of steps) {
        time += passes;
        lie += jumps;
        if (!looks) continue;
        firstLookAt ??= time;
        const [store, gateway] = liar === "store" ? [time + lie, time] : [time, time + lie];
        const { answer, next } = look(record, "o", gateway, { lease: store, wall: store });
        if (answer.kind !== "looked") throw new Error("refused");
        expect(answer.firstAgoMs).toBeLessThanOrEqual(time - firstLookAt);
        if (next !== undefined && next !== "absent" && next.state === "unknown") record = next;
      }
    }),
    { numRuns: 3_000 },
  );
});
