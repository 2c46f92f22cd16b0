import { describe, expect, test } from "@jest/globals";
import type { ServerResponse } from "node:http";
import { expectProblem } from "../support/expect-problem.ts";
import { until } from "../support/until.ts";
import { JSON_TYPE, oneRule } from "./one-rule.ts";

const one = oneRule();
const BREAKER = { breaker: { failures: 3, coolOff: "1s" }, scope: ["header:x-org"] };
/** Not over in the time of any test. */
const LASTING = { ...BREAKER, breaker: { failures: 3, coolOff: "1h" } };
let keys = 0;
const fresh = (org: string) => one.post({ headers: { "x-org": org, "idempotency-key": `k${keys++}` } });

async function failTimes(times: number, status = 500): Promise<void> {
  one.answer = (res) => void res.writeHead(status, JSON_TYPE).end("{}");
  for (let i = 0; i < times; i++) expect((await fresh("a")).status).toBe(status);
}

describe("the circuit breaker of a rule", () => {
  test("after n consecutive 5xx of an organisation: 503 with Retry-After, and the API is not called", async () => {
    await one.withRule(LASTING);
    await failTimes(3);
    for (let i = 0; i < 20; i++) {
      const { status, code, headers } = await fresh("a");
      expect([status, code, Number(headers.get("retry-after")) > 3_000]).toEqual([503, "circuit-open", true]);
    }
    expect(one.executed).toBe(3);
    one.answer = (res) => void res.writeHead(201).end("made");
    expect((await fresh("b")).status).toBe(201);
    expect(one.executed).toBe(4);
  });

  test("nothing is claimed while it is open: the same key executes afterwards; the first success closes it", async () => {
    await one.withRule(BREAKER);
    await failTimes(3);
    const later = () => one.post({ headers: { "idempotency-key": "later", "x-org": "a" } });
    expectProblem(await later(), "circuit-open");
    one.answer = (res) => void res.writeHead(201).end("made");
    const made = await until("it is tried", async () => {
      const answer = await later();
      return answer.status === 201 && answer;
    });
    expect([made.replayed, one.executed]).toEqual([false, 4]);
    await failTimes(2);
    expect(one.executed).toBe(6);
  });

  test("while it is open a stored answer is replayed, and what runs is said to run: neither needs the API", async () => {
    await one.withRule(LASTING);
    const using = (key: string, body = "{}") => one.post({ headers: { "idempotency-key": key, "x-org": "a" }, body });
    const running = Promise.withResolvers<ServerResponse>();
    one.answer = running.resolve;
    const slow = using("runs");
    const res = await running.promise;
    one.answer = (other) => void other.writeHead(201).end("made before");
    await using("stored");
    await failTimes(3);
    const replayed = await using("stored");
    expect([replayed.status, replayed.replayed, String(replayed.body)]).toEqual([201, true, "made before"]);
    expectProblem(await using("stored", '{"other":1}'), "key-reused");
    expectProblem(await using("runs"), "operation-in-flight");
    expect((await using("new")).code).toBe("circuit-open");
    expect(one.executed).toBe(5);
    res.writeHead(201).end("made");
    expect((await slow).status).toBe(201);
  });

  test("after the cool-off one call tells, however many come at once", async () => {
    await one.withRule(BREAKER);
    await failTimes(3);
    const answered = await until("it has cooled off", async () => {
      const answers = await Promise.all(Array.from({ length: 5 }, () => fresh("a")));
      return one.executed > 3 && answers.map(({ status }) => status).toSorted((a, b) => a - b);
    });
    expect([answered, one.executed]).toEqual([[500, 503, 503, 503, 503], 4]);
  });

  test.each([429, 402, 404])("%i is no failure of the API", async (status) => {
    await one.withRule(BREAKER);
    await failTimes(5, status);
    expect(one.executed).toBe(5);
  });

  test("answers that never come, and connections that break, are failures", async () => {
    await one.withRule(LASTING);
    one.answer = (res) => void res.socket?.resetAndDestroy();
    for (let i = 0; i < 3; i++) expectProblem(await fresh("a"), "outcome-unknown", 502);
    expect((await fresh("a")).code).toBe("circuit-open");
    expect(one.executed).toBe(3);
  });
});
