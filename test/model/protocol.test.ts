import { describe, expect, test } from "@jest/globals";
import { decideClaim } from "../../src/domain/claim.ts";
import { complete, release } from "../../src/domain/settlement.ts";
import { PROTOCOL } from "./protocol.ts";
import type { Bounds, Protocol } from "./protocol.ts";
import { search } from "./search.ts";
import { model } from "./world.ts";

/** Far more states than any of these worlds has. */
const MOST = 1_000_000;

const TWO: Bounds = { attempts: 2, ticks: 4, renewals: false, operator: false, loss: false, copies: 2 };
const RENEWING: Bounds = { ...TWO, renewals: true, copies: 1 };
const OPERATOR: Bounds = { ...TWO, ticks: 6, operator: true, copies: 1 };
const THREE: Bounds = { ...TWO, attempts: 3, copies: 1 };
const LOSS: Bounds = { ...TWO, loss: true, copies: 1 };

describe("in every order of events, nothing is executed twice and nothing executed is forgotten, with", () => {
  test.each([
    ["two attempts whose messages are lost, late and repeated", TWO],
    ["two attempts that renew", RENEWING],
    ["three attempts", THREE],
    ["an upstream that acts late, and an operator who looks in it", OPERATOR],
    ["a store that loses everything, where no settle touches another's record", LOSS],
  ])("%s", (_world, bounds) => {
    const found = search(model(PROTOCOL, bounds), MOST);
    expect(found).toEqual({ kind: "holds", states: expect.any(Number), ends: expect.any(Number) });
  });
});

describe("the search finds what goes wrong with", () => {
  const UNSAFE: [string, Partial<Protocol>, Bounds][] = [
    [
      "a lease that is the record's expiry",
      {
        claim(stored, attempt, now) {
          const isExpired = stored?.state === "executing" && now.lease >= stored.leaseUntil;
          return decideClaim(isExpired ? undefined : stored, attempt, now);
        },
      },
      TWO,
    ],
    [
      "a claim that takes over what was executing",
      {
        claim(stored, attempt, now) {
          const said = decideClaim(stored, attempt, now);
          return said.answer.kind === "unknown" ? decideClaim(undefined, attempt, now) : said;
        },
      },
      TWO,
    ],
    [
      "a claim without a deadline",
      { claim: (stored, attempt, now) => decideClaim(stored, { ...attempt, deadline: now.lease + 1 }, now) },
      TWO,
    ],
    ["a claim that is sent again under another name", { resendsAs: "new" }, TWO],
    ["a withdrawal that is believed at once", { withdrawnAt: () => 0 }, TWO],
    ["silence that is taken for never executed", { afterSilence: "release" }, TWO],
    ["a release that asks for no owner", { release: (stored) => release(stored, stored?.owner ?? "") }, TWO],
    [
      "a completion that asks for no owner",
      {
        complete: (stored, completion, now) =>
          complete(stored && { ...stored, owner: completion.owner }, completion, now),
      },
      LOSS,
    ],
    ["a first byte without a look at the lease", { maySend: () => true }, OPERATOR],
    ["an absence that was looked for once", { looks: 1 }, OPERATOR],
  ];

  test.each(UNSAFE)("%s", (_what, unsafe, bounds) => {
    const found = search(model({ ...PROTOCOL, ...unsafe }, bounds), MOST);
    expect(found).toMatchObject({ kind: "violated", what: expect.any(String) });
  });
});
