import { expect, test } from "@jest/globals";
import { randomInt } from "node:crypto";
import { env } from "node:process";
import { LONGEST_CLAIM } from "../../src/domain/claim.ts";
import type { Name, Token } from "../../src/domain/record.ts";
import type { Resolution } from "../../src/domain/settlement.ts";
import type { Note } from "../../src/store/journal.ts";
import type { Given } from "./contract.ts";
import { DomainRecords } from "./domain-records.ts";
import type { Verbs } from "./domain-records.ts";
import { anyName, anyOwner, anyToken, HOUR, KEEP, LEASE, RETENTION, SECOND } from "./operation.ts";
import { mulberry32 } from "./random.ts";

/** Enough for every pair of verbs on every state; 300 fsyncs are a few seconds on a slow disk. */
const STEPS = 300;

/** Leases end at 20 s and retention at 24 h: real time that passes during a test cannot tip either. */
const ADVANCES = [9 * SECOND, 25 * SECOND, 25 * SECOND, 25 * HOUR];

export function differing({ open, advance }: Given): void {
  test("answers a random sequence of verbs as the domain's functions do", async () => {
    const seed = Number(env["ONCEGATE_TEST_SEED"] ?? randomInt(2 ** 31));
    const random = mulberry32(seed);
    const any = <T>(...of: readonly T[]): T => of[Math.floor(random() * of.length)]!;

    const stores = [await open(), await open()];
    const names = [anyName(), anyName()];
    const owners = [anyOwner(), anyOwner(), anyOwner()];
    const fingerprints = [anyToken(), anyToken()];
    const credential = anyToken();
    const domain = new DomainRecords(() => ({ lease: stores[0]!.records.time(names[0]!), wall: Date.now() }));
    const history: string[] = [];

    for (let step = 1; step <= STEPS; step++) {
      const { records } = any(...stores);
      const [name, owner, fingerprint] = [any(...names), any(...owners), any(...fingerprints)];
      const verb = any(...VERBS);
      const ask = verbFor(verb, {
        name,
        owner,
        fingerprint,
        credential,
        into: any("claimed", "executing"),
        deadline: records.time(name) + any(5 * SECOND, 5 * SECOND, 5 * SECOND, -1, LONGEST_CLAIM + 60 * SECOND),
        gatewayAt: Date.now() + any(0, 0, 10 * SECOND, -40 * SECOND),
        answer: Buffer.from(`answer ${any(step, 1)}`),
        verdict: any("executed", "not-executed"),
      });
      history.push(`${step} ${verb} name ${names.indexOf(name)} owner ${owners.indexOf(owner)}`);
      const where = { seed, last: history.slice(-12) };
      const [expected, answer] = [await ask(domain), await ask(records)];
      expect({ ...where, answer: timeless(answer) }).toEqual({ ...where, answer: timeless(expected) });
      if (random() < 0.15) {
        const ms = any(...ADVANCES);
        history.push(`advance ${ms}`);
        domain.advance(ms);
        await advance(ms);
      }
    }
  });
}

const VERBS: readonly (keyof Verbs)[] = [
  "claim",
  "claim",
  "claim",
  "begin",
  "begin",
  "renew",
  "complete",
  "release",
  "hold",
  "revoke",
  "look",
  "look",
  "resolve",
  "read",
  "countUnknown",
];

type Chosen = {
  name: Name;
  owner: Token;
  fingerprint: Token;
  credential: Token;
  into: "claimed" | "executing";
  deadline: number;
  gatewayAt: number;
  answer: Buffer;
  verdict: "executed" | "not-executed";
};

function verbFor(verb: keyof Verbs, chosen: Chosen): (of: Verbs) => Promise<unknown> {
  const { name, owner, fingerprint, credential, into, deadline, gatewayAt, answer, verdict } = chosen;
  const identity = { owner, fingerprint, credential };
  switch (verb) {
    case "claim":
      return (of) => of.claim(name, { ...identity, into, leaseMs: LEASE, deadline, keepMs: KEEP });
    case "begin":
      return (of) => of.begin(name, owner, LEASE);
    case "renew":
      return (of) => of.renew(name, owner, LEASE);
    case "complete":
      return (of) => of.complete(name, { ...identity, startedAt: Date.now(), answer, retentionMs: RETENTION });
    case "release":
      return (of) => of.release(name, owner);
    case "hold":
      return (of) => of.hold(name, owner, "upstream-silent");
    case "revoke":
      return (of) => of.revoke(name, owner);
    case "look":
      return (of) => of.look(name, owner, gatewayAt);
    case "resolve": {
      const note: Note = { event: "resolved", name, owner, verdict, by: "the test", why: "chance" };
      const resolution: Resolution =
        verdict === "executed" ? { owner, verdict, answer, retentionMs: RETENTION } : { owner, verdict };
      return (of) => of.resolve(name, resolution, note);
    }
    case "read":
      return (of) => of.read(name);
    case "countUnknown":
      return (of) => of.countUnknown();
  }
}

/** The answer without what depends on the clock, and with bytes that compare by value. */
function timeless(answer: unknown): unknown {
  if (ArrayBuffer.isView(answer))
    return Buffer.from(answer.buffer, answer.byteOffset, answer.byteLength).toString("base64");
  if (typeof answer !== "object" || answer === null) return answer;
  return Object.fromEntries(
    Object.entries(answer)
      .filter(([field]) => !["startedAt", "leaseUntil", "at", "gatewayAt", "firstAgoMs"].includes(field))
      .map(([field, value]) => [field, timeless(value)]),
  );
}
