import { describe, expect, test } from "@jest/globals";
import { erplyError } from "../support/erply-error.ts";
import { expectProblem } from "../support/expect-problem.ts";
import { STORES } from "../support/test-store.ts";
import { until } from "../support/until.ts";
import { duplicatesSite, sources } from "./duplicates-site.ts";

const HOUR = 3_600_000;

describe.each(STORES)("with a rule that eliminates duplicates, two gateways on %s", (_name, start) => {
  const site = duplicatesSite(start);
  const { withRule, ask, made } = site;

  test.each([
    ["without any key", undefined, undefined],
    ["with a key each", "k1", "k2"],
    ["one with a key, one without", "k1", undefined],
    ["one without, one with a key", undefined, "k2"],
  ])("of two requests that are alike, %s, the second gets the first one's answer, marked", async (_how, one, other) => {
    await withRule();
    const first = await made(0, "first", { key: one });
    expect([first.status, first.fields, ...sources(first)]).toEqual([201, { made: "first" }, null, null]);
    for (const gateway of [1, 0] as const) {
      const second = await ask(gateway, "second", { key: other });
      expect([second.status, second.body, ...sources(second)]).toEqual([201, first.body, "true", "duplicate"]);
    }
    expect(site.held.arrivals).toHaveLength(1);
  });

  test("the same key with the same content is a retry like any other, and with another content an error", async () => {
    await withRule();
    await made(0, "first", { key: "k1" });
    expect(sources(await ask(1, "first", { key: "k1" }))).toEqual(["true", null]);
    expectProblem(await ask(1, "first", { key: "k1", differing: { total: 11 } }), "key-reused");
  });

  test("what differs in one of the fields, in the scope or in the path is no duplicate", async () => {
    await withRule("replay", {}, { match: { path: "/**" } });
    await made(0, "first");
    await made(1, "another number", { differing: { number: "2026-18" } });
    await made(1, "another text of a number", { differing: { total: "10.5" } });
    await made(1, "no number", { differing: { number: null } });
    await made(1, "another customer's", { headers: { authorization: "Bearer b" } });
    await made(1, "elsewhere", { path: "/payments" });
    expect(site.held.arrivals).toHaveLength(6);
  });

  test("a request without a key and without any of the fields passes through", async () => {
    await withRule();
    for (const name of ["one", "two"]) {
      const answer = await made(0, name, { differing: { customer: null, number: "", total: undefined } });
      expect(answer.status).toBe(201);
    }
    expect(site.held.arrivals).toHaveLength(2);
    expect(await site.store.names()).toEqual([]);
  });

  test("a duplicate of one that still runs is refused as one, and of one that was released is executed", async () => {
    await withRule();
    const first = ask(0, "first", { key: "k1" });
    const arrived = await site.held.arrived("first");
    for (const key of ["k2", undefined]) {
      const refused = await ask(1, "second", { key });
      expect([refused.status, refused.code]).toEqual([409, "operation-in-flight"]);
      expect(refused.headers.get("retry-after")).toBe("1");
    }
    arrived.answer(422);
    expect((await first).status).toBe(422);
    expect((await made(1, "second", { key: "k2" })).status).toBe(201);
    expect(sources(await ask(0, "first", { key: "k1" }))).toEqual(["true", "duplicate"]);
  });

  test("a duplicate waits for the original where the rule lets retries wait", async () => {
    await withRule("replay", {}, { onInFlight: { wait: "20s" } });
    const first = ask(0, "first", { key: "k1" });
    const arrived = await site.held.arrived("first");
    const second = ask(1, "second", { key: "k2" });
    const released = /^oncegate_store_seconds_count\{verb="release",answered="true"\} [1-9]/m;
    await until("it let its key go and waits", async () =>
      released.test(await (await fetch(`${site.gateways[1]!.adminUrl}/metrics`)).text()),
    );
    arrived.created({ made: "first" });
    expect([(await first).status, ...sources(await second)]).toEqual([201, "true", "duplicate"]);
    expect(site.held.count("second")).toBe(0);
  });

  test("a duplicate of one that nobody knows the end of is refused as one, never sent", async () => {
    await withRule("replay", {}, { outcome: { unknown: [{ status: [502] }] } });
    const first = ask(0, "first");
    (await site.held.arrived("first")).answer(502);
    expect((await first).status).toBe(502);
    for (const key of ["k2", undefined]) {
      const refused = await ask(1, "second", { key });
      expect([refused.status, refused.code]).toEqual([409, "outcome-unknown"]);
      expect(refused.fields["reason"]).toBe("unknown-status");
    }
    await site.store.advance(72 * HOUR); // longer than the window, which begins when it is known
    expect((await ask(1, "second")).code).toBe("outcome-unknown");
    expect(site.held.count("second")).toBe(0);
  });

  test("when its window is over the next one is an original", async () => {
    await withRule("replay", { window: "1h" });
    await made(0, "first", { key: "k1" });
    await site.store.advance(HOUR / 2);
    expect(sources(await ask(1, "second"))).toEqual(["true", "duplicate"]);
    await site.store.advance(HOUR);
    await made(1, "third");
    expect(sources(await ask(0, "first", { key: "k1" }))).toEqual(["true", null]); // its own answer is kept for a day
    expect(sources(await ask(0, "fourth"))).toEqual(["true", "duplicate"]);
    expect(site.held.arrivals).toHaveLength(2);
  });

  test("then: reject refuses it in the words of the rule's API", async () => {
    const errors = { format: "erply", codes: { duplicate: 1206 } };
    await withRule("reject", { unless: "header:x-not-a-duplicate" }, { errors });
    await made(0, "first");
    const refused = await ask(1, "second", { differing: { request: "savePayment" } });
    expect([refused.status, refused.fields]).toEqual([200, erplyError("savePayment", 1206)]);
  });

  test("a client that says it means another one is heard, and what is like either is a duplicate still", async () => {
    await withRule("reject", { unless: "header:x-not-a-duplicate" });
    const another = { headers: { "x-not-a-duplicate": "true" } };
    await made(0, "first", { key: "k1" });
    const refused = await ask(1, "second", { headers: { "x-not-a-duplicate": "false" } });
    expect([refused.status, refused.code]).toEqual([409, "duplicate"]);
    expect(refused.fields["detail"]).toMatch(/x-not-a-duplicate/);
    expect((await made(1, "second", { key: "k2", ...another })).status).toBe(201);
    expect((await made(1, "third", another)).status).toBe(201);
    expect(sources(await ask(0, "second", { key: "k2" }))).toEqual(["true", null]);
    expect((await ask(0, "fourth")).code).toBe("duplicate");
    expect(site.held.arrivals).toHaveLength(3);
  });

  test("then: observe only counts and logs", async () => {
    await withRule("observe");
    await made(0, "first", { key: "k1" });
    const [keyed, keyless] = [await made(1, "second", { key: "k2" }), await made(1, "third")];
    for (const one of [keyed, keyless]) expect([one.status, ...sources(one)]).toEqual([201, null, null]);
    expect(sources(await ask(0, "second", { key: "k2" }))).toEqual(["true", null]);
    const { adminUrl, lines } = site.gateways[1]!;
    const metrics = await (await fetch(`${adminUrl}/metrics`)).text();
    expect(metrics).toMatch(/^oncegate_observed_total\{rule="invoices",outcome="duplicate"\} 2$/m);
    const observed = lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((line) => line["observed"]);
    expect(observed.map((line) => [line["rule"], line["observed"]])).toEqual([
      ["invoices", "duplicate"],
      ["invoices", "duplicate"],
    ]);
  });

  test("an answer is shown to another credential of the scope only where the rule trusts the scope", async () => {
    const other = { headers: { authorization: "Bearer b", "x-org": "1" } };
    await withRule("replay", {}, { scope: ["header:x-org"] });
    await made(0, "first", { headers: { "x-org": "1" } });
    expectProblem(await ask(1, "second", other), "credential-changed");
    await withRule("replay", {}, { scope: ["header:x-org"], trustScope: true });
    expect(sources(await ask(1, "third", other))).toEqual(["true", "duplicate"]);
    expect(site.held.arrivals).toHaveLength(1);
  });

  test("of 40 that are alike and come at once on both gateways, with keys of their own and without, one is sent", async () => {
    await withRule();
    const answers = Array.from({ length: 40 }, (_, i) =>
      ask((i % 2) as 0 | 1, "racing", i % 4 < 2 ? { key: `k${i}` } : {}),
    );
    (await site.held.arrived("racing")).created({ made: "racing" });
    const codes = (await Promise.all(answers)).map(({ status, code }) => code ?? status);
    expect(codes.filter((code) => code !== 201 && code !== "operation-in-flight")).toEqual([]);
    expect(site.held.arrivals).toHaveLength(1);
    for (const [i, key] of ["k0", "k1", "k2"].entries())
      expect((await ask((i % 2) as 0 | 1, "racing", { key })).replayed).toBe(true);
    expect(site.held.arrivals).toHaveLength(1);
  });

  test("neither what a request says nor whose it is can be read from the store or the log", async () => {
    await withRule();
    await made(0, "first", { key: "the key" });
    await ask(1, "second", { key: "another key" });
    const written = Buffer.concat([
      await site.store.contents(),
      ...site.gateways.map(({ lines }) => Buffer.from(lines.join())),
    ]);
    for (const secret of ["Ä & Co", "2026-17", "the key", "another key", "Bearer a"])
      expect(written.includes(secret)).toBe(false);
  });
});
