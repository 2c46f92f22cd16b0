import type { Attempt, ClaimAnswer } from "../../domain/claim.ts";
import type { Name, StoredRecord, Token, UnknownReason } from "../../domain/record.ts";
import type { Completion } from "../../domain/settlement.ts";
import { StoreError } from "../records.ts";
import type { Records } from "../records.ts";
import type { Reply } from "./connection.ts";
import { indexKey, keysOf, PARTITIONS, recordFrom, startedAt, toBytes } from "./layout.ts";
import { BEGIN, CLAIM, COMPLETE, COUNT_UNKNOWN, HOLD, READ, RELEASE, RENEW } from "./scripts.ts";
import type { Script } from "./scripts.ts";
import type { Servers } from "./servers.ts";

/** Each verb is one script on one record, and one round trip. */
export class RedisRecords implements Records {
  readonly #servers: Servers;

  constructor(servers: Servers) {
    this.#servers = servers;
  }

  time(name: Name): number {
    return this.#servers.time(keysOf(name)[0]);
  }

  async claim(name: Name, attempt: Attempt): Promise<ClaimAnswer> {
    const { owner, fingerprint, credential, into, leaseMs, deadline, keepMs } = attempt;
    const identity = [toBytes(owner), toBytes(fingerprint), toBytes(credential)];
    const state = into === "claimed" ? "c" : "e";
    const { answer, at, value } = await this.#run(CLAIM, name, [...identity, state, leaseMs, deadline, keepMs]);
    switch (answer) {
      case "claimed":
      case "yours":
      case "too_late":
        return { kind: answer };
      case "in_flight":
      case "mismatch":
        return { kind: answer, startedAt: startedAt(given(value)) };
      case "completed":
      case "unknown": {
        const record = recordFrom(given(value), at);
        if (record.state === "completed") return { kind: "completed", record };
        if (record.state === "unknown") return { kind: "unknown", record };
        throw new Error(`claim.lua answered ${answer} with a record that is ${record.state}`);
      }
    }
  }

  async begin(name: Name, owner: Token, leaseMs: number): Promise<"begun" | "lost"> {
    const { answer } = await this.#run(BEGIN, name, [toBytes(owner), leaseMs]);
    return answer;
  }

  async renew(name: Name, owner: Token, leaseMs: number): Promise<"renewed" | "lost"> {
    const { answer } = await this.#run(RENEW, name, [toBytes(owner), leaseMs]);
    return answer;
  }

  async complete(name: Name, completion: Completion): Promise<"completed" | "recreated" | "refused"> {
    const { owner, fingerprint, credential, startedAt: since, answer: bytes, retentionMs } = completion;
    const identity = [toBytes(owner), toBytes(fingerprint), toBytes(credential)];
    const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const { answer } = await this.#run(COMPLETE, name, [...identity, since, retentionMs, body]);
    return answer;
  }

  async release(name: Name, owner: Token): Promise<{ answer: "released" | "refused"; at: number }> {
    const { answer, at } = await this.#run(RELEASE, name, [toBytes(owner)]);
    return { answer, at };
  }

  async hold(name: Name, owner: Token, reason: UnknownReason): Promise<"held" | "refused"> {
    const { answer } = await this.#run(HOLD, name, [toBytes(owner), reason]);
    return answer;
  }

  async read(name: Name): Promise<StoredRecord | undefined> {
    const { answer, at, value } = await this.#run(READ, name, []);
    return answer === "absent" ? undefined : recordFrom(given(value), at);
  }

  async countUnknown(): Promise<number> {
    const counts = PARTITIONS.map(async (partition) => {
      const { value } = await this.#servers.run(COUNT_UNKNOWN, [indexKey(partition)], []);
      return Number(given(value).toString());
    });
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  }

  async #run<Answer extends string>(
    script: Script<Answer | "unreadable">,
    name: Name,
    args: (string | number | Buffer)[],
  ): Promise<Reply<Answer>> {
    const { answer, at, value } = await this.#servers.run(script, keysOf(name), args);
    // Taken for absent it would execute again. Nothing was written, and nothing will be by another try.
    if (answer === "unreadable")
      throw new StoreError("unsent", "Redis holds a record in a format of another version of Oncegate");
    return { answer, at, value };
  }
}

function given(value: Buffer | undefined): Buffer {
  if (value === undefined) throw new Error("a script left out the value that its answer carries");
  return value;
}
