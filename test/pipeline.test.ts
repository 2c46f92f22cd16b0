import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { DocumentQueue } from "../src/admission/document-queue.ts";
import { Circuits } from "../src/admission/circuits.ts";
import { Duplicates } from "../src/admission/duplicates.ts";
import { createClientPort } from "../src/inbound/app.ts";
import { Budget } from "../src/budget.ts";
import { CONNECTION_LIMITS } from "../src/inbound/limits.ts";
import type { Gate } from "../src/pipeline.ts";
import { Prober } from "../src/prober.ts";
import type { RequestEnd } from "../src/request.ts";
import { Keyring } from "../src/store/keyring.ts";
import { Owner } from "../src/store/owner.ts";
import { StoreError } from "../src/store/records.ts";
import type { Store } from "../src/store/records.ts";
import { createLog, logRequest } from "../src/telemetry/log.ts";
import { isFailure } from "../src/upstream/try.ts";
import type { Execution } from "../src/upstream/try.ts";
import { openPassThrough } from "../src/upstream/pass-through.ts";
import { sqliteFixture } from "./store/sqlite-fixture.ts";
import type { SqliteFixture } from "./store/sqlite-fixture.ts";
import { send } from "./support/installation.ts";
import { outcomeOfStatuses } from "../src/domain/outcome.ts";
import { aRule } from "./support/rule.ts";
import { until } from "./support/until.ts";

let fixture: SqliteFixture;
let store: Store;
let owner: Owner;
let port: ReturnType<typeof createClientPort>;
let ends: RequestEnd[];
let lateFailures: unknown[];
let budget: Budget;
beforeEach(async () => {
  fixture = await sqliteFixture();
  store = await fixture.open();
  [ends, lateFailures] = [[], []];
  budget = new Budget(1_000);
});
afterEach(async () => {
  await until("nothing is held any more", () => budget.held === 0);
  port.server.close();
  port.server.closeAllConnections();
  await fixture.destroy();
});

/** A gateway that executes so; resolves to its URL. */
async function serving(
  execute: Gate["upstream"]["execute"],
  { clientWaitMs = 60_000, records = store.records } = {},
): Promise<string> {
  owner = new Owner({
    keyring: new Keyring(),
    records,
    leaseMs: 1_000,
    unknownRetentionMs: 60_000,
    onAlarm: () => {},
  });
  const secret = randomBytes(32);
  const upstream = { execute, abandon: () => {}, close: async () => {} };
  port = createClientPort({
    gate: {
      isPublishing: false,
      rules: () => [aRule({ outcome: outcomeOfStatuses({ release: [], unknown: [[502, 502]] }) })],
      naming: async () => ({ secret, isCurrent: () => true }),
      owner,
      queue: new DocumentQueue({ turns: store.turns, records, leaseMs: 1_000 }),
      circuits: new Circuits<Execution>(isFailure, { kind: "never-sent", reason: "circuit-open", why: "" }),
      upstream,
      prober: new Prober({ upstream, records, keyring: new Keyring() }),
      duplicates: new Duplicates({
        originals: store.originals,
        records,
        unknownRetentionMs: 60_000,
        open: (name, record) => owner.open(name, record),
      }),
      clientWaitMs,
      onLateEnd: () => {},
      onLateFailure: (_request, error) => lateFailures.push(error),
    },
    passThrough: openPassThrough({
      url: new URL("http://127.0.0.1:1"),
      ca: undefined,
      connectTimeoutMs: 1_000,
      preserveHost: false,
      timeoutMs: 1_000,
    }),
    bodyLimits: { maxBytes: 1_000, withinMs: 10_000, idleMs: 10_000 },
    budget,
    guard: () => undefined,
    forwarder: { pseudonym: "oncegate-1", isTrusted: () => false },
    limits: CONNECTION_LIMITS,
    preserveHost: false,
    isDraining: () => false,
    onStart: () => {},
    onEnd: (end) => ends.push(end),
  });
  port.server.listen(0, "127.0.0.1");
  await once(port.server, "listening");
  return `http://127.0.0.1:${(port.server.address() as AddressInfo).port}`;
}
const post = (url: string) => send(url, { headers: { "idempotency-key": "k" }, body: "{}" });

describe("a fault of the gateway's own in an execution", () => {
  const fault = new TypeError("nobody thought of this");

  test("is 500 internal, and leaves an operation that nobody renews: a retry hears that it is unknown", async () => {
    const url = await serving(() => Promise.reject(fault));
    const answer = await post(url);
    expect([answer.status, answer.code]).toEqual([500, "internal"]);
    expect(answer.body.toString()).not.toContain(fault.message);
    await owner.idle();
    const retry = await until("the lease is over", async () => {
      const said = await post(url);
      return said.code !== "operation-in-flight" && said;
    });
    expect([retry.status, retry.code, retry.fields["reason"]]).toEqual([409, "outcome-unknown", "owner-lost"]);
  });

  test("is logged as an error with the requestId that the client was told", async () => {
    const answer = await post(await serving(() => Promise.reject(fault)));
    const end = await until("its end", () => ends[0]);
    expect(end).toMatchObject({
      outcome: "internal",
      status: 500,
      requestId: answer.fields["requestId"],
      error: fault,
    });
    const lines: string[] = [];
    logRequest(createLog("error", { write: (line) => void lines.push(line) }), end);
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0]!)).toMatchObject({ requestId: end.requestId, err: { message: fault.message } });
  });

  test("is told also where it comes after the client's patience", async () => {
    const ending = Promise.withResolvers<never>();
    const answer = await post(await serving(() => ending.promise, { clientWaitMs: 100 }));
    expect([answer.status, answer.code]).toEqual([504, "still-running"]);
    ending.reject(fault);
    await until("it is told", () => lateFailures.length > 0);
    expect(lateFailures).toEqual([fault]);
  });
});

test("an operation that cannot be sent before its lease is over is not sent, and its key is free", async () => {
  const records: Store["records"] = {
    ...store.records,
    time: (name) => store.records.time(name),
    renew: () => Promise.reject(new StoreError("ambiguous", "no reply")),
  };
  let sent = 0;
  const url = await serving(
    async (_request, { maySend }) => {
      if (sent++ > 0) return { kind: "never-sent", reason: "unreachable", why: "asked a second time" };
      await until("nothing may be sent any more", () => !maySend());
      return { kind: "never-sent", reason: "lease-over", why: "the lease is over" };
    },
    { records },
  );
  const answer = await post(url);
  expect([answer.status, answer.code]).toEqual([503, "store-unavailable"]);
  expect((await post(url)).code).toBe("upstream-unreachable"); // it was executed anew
});

const whole = (status: number): Execution => ({
  kind: "answered",
  answer: { status, headers: [], body: Buffer.from("{}") },
});
test.each<[string, Execution, number]>([
  ["an answer", whole(201), 201],
  ["an answer that frees the key", whole(508), 508],
  ["an answer of a proxy, perhaps", whole(502), 502],
  ["no answer", { kind: "lost", reason: "answer-cut", why: "cut" }, 502],
  ["nothing sent", { kind: "never-sent", reason: "unsendable", why: "no HTTP" }, 400],
])("%s is in the store before its client hears of it", async (_what, execution, status) => {
  let isStored = false;
  const late = async <Answer>(settled: Promise<Answer>): Promise<Answer> => {
    const answer = await settled;
    await sleep(100);
    isStored = true;
    return answer;
  };
  const records: Store["records"] = {
    ...store.records,
    time: (name) => store.records.time(name),
    complete: (...args) => late(store.records.complete(...args)),
    release: (...args) => late(store.records.release(...args)),
    hold: (...args) => late(store.records.hold(...args)),
  };
  const url = await serving(async () => execution, { records });
  expect([(await post(url)).status, isStored]).toEqual([status, true]);
});

test("an answer too large to keep that comes after its client's patience is read by nobody, and the upstream is let go", async () => {
  const [ending, body] = [Promise.withResolvers<Execution>(), new Readable({ read: () => {} })];
  const url = await serving(() => ending.promise, { clientWaitMs: 100 });
  expect((await post(url)).code).toBe("still-running");
  ending.resolve({ kind: "overflowed", status: 201, headers: [], body });
  await until("it is let go", () => body.destroyed);
  expect((await post(url)).code).toBe("response-not-kept");
});
