import type { EnterAnswer, Entry } from "../../domain/turn.ts";
import type { Name, Token } from "../../domain/record.ts";
import { FORGOTTEN_MS } from "../turns.ts";
import type { Turns } from "../turns.ts";
import { toBytes, turnKeys } from "./layout.ts";
import { ENTER, LEAVE, RENEW_TURN } from "./scripts.ts";
import type { Servers } from "./servers.ts";

const OWNER_BYTES = 16;

/** Each verb is one script on the two keys of one document, and one round trip. */
export function redisTurns(servers: Servers): Turns {
  return {
    time: (document) => servers.time(turnKeys(document)[0]),
    async enter(document: Name, entry: Entry): Promise<EnterAnswer> {
      const { owner, name, isDelete, leaseMs, aliveMs, deadline, waitMs, after } = entry;
      const { answer, value } = await servers.run(ENTER, turnKeys(document), [
        toBytes(owner),
        name,
        isDelete ? 1 : 0,
        leaseMs,
        aliveMs,
        deadline,
        waitMs,
        after === undefined ? "" : toBytes(after),
        FORGOTTEN_MS,
      ]);
      switch (answer) {
        case "held":
        case "deleting":
        case "too_late":
          return { kind: answer };
        case "waiting":
          return { kind: answer, ahead: Number(value?.toString()) };
        case "lapsed":
          return { kind: answer, holder: holderFrom(value) };
      }
    },
    async renew(document: Name, owner: Token, leaseMs: number) {
      const { answer } = await servers.run(RENEW_TURN, turnKeys(document), [toBytes(owner), leaseMs, FORGOTTEN_MS]);
      return answer;
    },
    async leave(document: Name, owner: Token) {
      const { at, value } = await servers.run(LEAVE, turnKeys(document), [toBytes(owner)]);
      return { next: value?.toString("base64url"), at };
    },
  };
}

function holderFrom(value: Buffer | undefined): { owner: Token; name: Name } {
  if (value === undefined) throw new Error("enter.lua left out whose turn is over");
  return { owner: value.toString("base64url", 0, OWNER_BYTES), name: value.toString("latin1", OWNER_BYTES) };
}
