import { afterEach, expect, test } from "@jest/globals";
import { randomInt } from "node:crypto";
import { env } from "node:process";
import type { Name, Token } from "../../src/domain/record.ts";
import type { EnterAnswer, Entry } from "../../src/domain/turn.ts";
import type { Turns } from "../../src/store/turns.ts";
import type { StoreFixture } from "./contract.ts";
import { DomainTurns } from "./domain-turns.ts";
import { anyName, anyOwner, SECOND } from "./operation.ts";
import { mulberry32 } from "./random.ts";
import { redisFixture } from "./redis-fixture.ts";
import { sqliteFixture } from "./sqlite-fixture.ts";

const HISTORIES = 3_000;
/** So many at a time: the real time of their rounds, seconds, must not tip what only an advance may. */
const AT_ONCE = 300;
const ROUNDS = 24;
const OWNERS = 4;
/** What 20, 40 and 60 s are far from, so that real time cannot tip it. */
const [ALIVE, LEASE] = [30 * SECOND, 50 * SECOND];
const PATIENCE = 30 * SECOND;
const ADVANCES = [0, 0, 0, 20 * SECOND];

let fixture: StoreFixture;
afterEach(() => fixture.destroy());

type Answers = EnterAnswer | "renewed" | "lost" | { next: Token | undefined };

/** One document and who wants it. */
type History = { document: Name; entries: Omit<Entry, "deadline">[]; said: string[] };

test.each([
  ["redis", redisFixture],
  ["sqlite", sqliteFixture],
] as const)(
  `on %s, ${HISTORIES} documents' queues go as the domain's functions say, in ${ROUNDS} random steps each`,
  async (_store, create) => {
    const seed = Number(env["ONCEGATE_TEST_SEED"] ?? randomInt(2 ** 31));
    const random = mulberry32(seed);
    const any = <T>(...of: readonly T[]): T => of[Math.floor(random() * of.length)]!;
    fixture = await create();
    const handles = [(await fixture.open()).turns, (await fixture.open()).turns];
    const met = new Set<string>();

    for (let done = 0; done < HISTORIES; done += AT_ONCE) {
      const domain = new DomainTurns(() => handles[0]!.time(anyName()));
      const histories = Array.from({ length: AT_ONCE }, () => aHistory(random));
      for (let round = 0; round < ROUNDS; round++) {
        const steps = histories.map((history) => aStep(history, handles[0]!, any));
        const expected = await Promise.all(steps.map((step) => step(domain)));
        const answers = await Promise.all(steps.map((step) => step(any(...handles))));
        for (const [i, history] of histories.entries()) {
          const where = { seed, said: history.said };
          expect({ ...where, answer: answers[i] }).toEqual({ ...where, answer: expected[i] });
          met.add(wordFor(answers[i]!));
          learn(history, answers[i]!);
        }
        const ms = any(...ADVANCES);
        domain.advance(ms);
        await fixture.advance(ms);
        for (const { said } of histories) said.push(`advance ${ms}`);
      }
    }
    const all = ["deleting", "held", "lapsed", "left", "left to the next", "lost", "renewed", "too_late", "waiting"];
    expect([...met].toSorted()).toEqual(all);
  },
  300_000,
);

function aHistory(random: () => number): History {
  const document = anyName();
  const entries = Array.from({ length: OWNERS }, () => ({
    owner: anyOwner(),
    name: anyName(),
    isDelete: random() < 0.3,
    leaseMs: LEASE,
    aliveMs: ALIVE,
    waitMs: PATIENCE,
    after: undefined,
  }));
  return { document, entries, said: [] };
}

/** What one of a document's owners asks next, of whatever store. */
function aStep(
  { document, entries, said }: History,
  { time }: Pick<Turns, "time">,
  any: <T>(...of: readonly T[]) => T,
) {
  const i = Math.floor(any(...entries.keys()));
  const { owner } = entries[i]!;
  const verb = any("enter", "enter", "enter", "enter", "enter", "enter", "renew", "leave");
  const isLate = any(true, false, false, false, false, false);
  const entry = { ...entries[i]!, deadline: time(document) + (isLate ? -SECOND : PATIENCE) };
  said.push(`${verb} ${i}${isLate ? " too late" : ""}`);
  return async (turns: Turns): Promise<Answers> => {
    switch (verb) {
      case "enter":
        return turns.enter(document, entry);
      case "renew":
        return turns.renew(document, owner, LEASE);
      case "leave": {
        const { next } = await turns.leave(document, owner);
        return { next };
      }
    }
  };
}

/** Who hears whose turn is over may know it from then on: each of them, for it can be another who asks next. */
function learn({ entries }: History, answer: Answers): void {
  if (typeof answer === "string" || !("kind" in answer) || answer.kind !== "lapsed") return;
  for (const entry of entries) if (entry.owner !== answer.holder.owner) entry.after = answer.holder.owner;
}

function wordFor(answer: Answers): string {
  if (typeof answer === "string") return answer;
  if ("kind" in answer) return answer.kind;
  return answer.next === undefined ? "left" : "left to the next";
}
