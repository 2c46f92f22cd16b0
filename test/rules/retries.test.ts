import { describe, expect, test } from "@jest/globals";
import type { ServerResponse } from "node:http";
import { oneRule } from "./one-rule.ts";

const one = oneRule();
const inSeconds = (status: number, after?: string) => (res: ServerResponse) =>
  void res.writeHead(status, after === undefined ? {} : { "retry-after": after }).end();
/** Answers so, one after the other, and then 201; notes when each call came. */
function answering(...answers: ((res: ServerResponse) => void)[]): number[] {
  const at: number[] = [];
  one.answer = (res) => {
    at.push(performance.now());
    (answers[at.length - 1] ?? ((made) => void made.writeHead(201).end("made")))(res);
  };
  return at;
}

describe("the retries of a rule", () => {
  test("429 and 503 with Retry-After are tried again until they end, and one answer is kept", async () => {
    await one.withRule({ retry: {} });
    const at = answering(inSeconds(429, "1"), inSeconds(503, "0"));
    const first = await one.post();
    expect([first.status, first.replayed, one.executed]).toEqual([201, false, 3]);
    expect(at[1]! - at[0]!).toBeGreaterThanOrEqual(990); // Retry-After is honoured
    expect(at[2]! - at[1]!).toBeGreaterThanOrEqual(740); // 1 s, less a quarter
    expect([(await one.post()).replayed, one.executed]).toEqual([true, 3]);
  });

  test("after the last try, and where Retry-After is beyond the budget, the client gets the answer itself", async () => {
    await one.withRule({ retry: { tries: 2, within: "5s" } });
    answering(inSeconds(429, "0"), inSeconds(429, "0"), inSeconds(429, "6"));
    expect([(await one.post()).status, one.executed]).toEqual([429, 2]);
    const answer = await one.post();
    expect([answer.status, answer.headers.get("retry-after"), one.executed]).toEqual([429, "6", 3]);
  });

  test.each([400, 402, 404, 409, 422, 500, 502, 504])("%i is never tried again", async (status) => {
    await one.withRule({ retry: {} });
    answering(inSeconds(status, "0"));
    expect([(await one.post()).status, one.executed]).toEqual([status, 1]);
  });

  test("429 and 503 are not tried again without Retry-After, nor where the rule says that they began", async () => {
    await one.withRule({ retry: {}, outcome: { store: [{ status: [429], header: "retry-after" }] } });
    answering(inSeconds(429, "0"));
    expect([(await one.post()).status, (await one.post()).replayed, one.executed]).toEqual([429, true, 1]);
    answering(inSeconds(503));
    expect([(await one.post({ headers: { "idempotency-key": "other" } })).status, one.executed]).toEqual([503, 2]);
  });
});
