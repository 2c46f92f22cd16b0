import { z } from "zod";
import type { Attempt, ClaimAnswer } from "../../domain/claim.ts";
import type { Name, StoredRecord, Token, UnknownReason } from "../../domain/record.ts";
import type { Completion, Resolution } from "../../domain/settlement.ts";
import { asBuffer } from "../bytes.ts";
import type { Continuity, Pass } from "../continuity.ts";
import { JOURNAL_MS } from "../journal.ts";
import type { Note } from "../journal.ts";
import { WITNESS_MS } from "../witness.ts";
import type { Listed, Looked, Open, Records } from "../records.ts";
import type { Reply } from "./connection.ts";
import {
  countKey,
  indexKey,
  journalKey,
  keysOf,
  markKey,
  PARTITIONS,
  partitionOf,
  recordFrom,
  startedAt,
  toBytes,
  unpackList,
} from "./layout.ts";
import {
  BEGIN,
  CLAIM,
  COMPLETE,
  COUNT_UNKNOWN,
  EXPIRE_UNKNOWN,
  HOLD,
  LIST,
  LOOK,
  READ,
  RELEASE,
  RENEW,
  RESOLVE,
  REVOKE,
} from "./scripts.ts";
import type { Script } from "./scripts.ts";
import type { Servers } from "./servers.ts";

/**
 * What nobody knows the end of leaves by `expireUnknown`, with an entry in the journal. Redis's own expiry comes this much
 * later (ms), for a store that no gateway uses any more.
 */
const UNSWEPT = 7 * 86_400_000;

/** Each verb is one script on one record, and one round trip. */
export class RedisRecords implements Records {
  readonly #servers: Servers;
  readonly #continuity: Continuity;
  readonly #process: string;

  /** `process`: whose claims are counted, as the continuity compares them. */
  constructor(servers: Servers, continuity: Continuity, process: string) {
    this.#servers = servers;
    this.#continuity = continuity;
    this.#process = process;
  }

  time(name: Name): number {
    return this.#servers.time(keysOf(name)[0]);
  }

  async claim(name: Name, attempt: Attempt): Promise<ClaimAnswer> {
    const { owner, fingerprint, credential, into, leaseMs, deadline, keepMs } = attempt;
    const identity = [toBytes(owner), toBytes(fingerprint), toBytes(credential)];
    const state = into === "claimed" ? "c" : "e";
    const { pass, args, keys } = this.#starting(name);
    const all = [...identity, state, leaseMs, deadline, keepMs + UNSWEPT, ...args];
    const { answer, at, value } = await this.#run(CLAIM, name, all, ...keys);
    switch (answer) {
      case "claimed":
      case "yours":
        this.#continuity.acknowledged(pass, Number(given(value).toString()));
        return { kind: answer };
      case "store_lost":
        return { kind: this.#continuity.refused(pass) };
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

  async begin(name: Name, owner: Token, leaseMs: number): Promise<"begun" | "lost" | "store_lost"> {
    const { pass, args, keys } = this.#starting(name);
    const { answer, value } = await this.#run(BEGIN, name, [toBytes(owner), leaseMs, ...args], ...keys);
    if (answer === "store_lost") return this.#continuity.refused(pass);
    if (answer === "begun") this.#continuity.acknowledged(pass, Number(given(value).toString()));
    return answer;
  }

  async renew(name: Name, owner: Token, leaseMs: number): Promise<"renewed" | "lost"> {
    const { answer } = await this.#run(RENEW, name, [toBytes(owner), leaseMs]);
    return answer;
  }

  async complete(name: Name, completion: Completion): Promise<"completed" | "recreated" | "refused"> {
    const { owner, fingerprint, credential, startedAt: since, answer: bytes, retentionMs } = completion;
    const identity = [toBytes(owner), toBytes(fingerprint), toBytes(credential)];
    const { answer } = await this.#run(COMPLETE, name, [...identity, since, retentionMs, asBuffer(bytes)]);
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

  async revoke(name: Name, owner: Token): Promise<"revoked"> {
    const { answer } = await this.#run(REVOKE, name, [toBytes(owner)]);
    return answer;
  }

  async read(name: Name): Promise<StoredRecord | undefined> {
    const { answer, at, value } = await this.#run(READ, name, []);
    return answer === "absent" ? undefined : recordFrom(given(value), at);
  }

  async look(name: Name, owner: Token, gatewayAt: number): Promise<Looked> {
    const { answer, value } = await this.#run(LOOK, name, [toBytes(owner), gatewayAt]);
    return answer === "refused" ? { kind: answer } : { kind: answer, firstAgoMs: Number(given(value).toString()) };
  }

  async resolve(name: Name, resolution: Resolution, note: Note): Promise<"resolved" | "absent" | "refused"> {
    const { owner, verdict } = resolution;
    const kept = verdict === "executed" ? [resolution.retentionMs, asBuffer(resolution.answer)] : [];
    const args = [toBytes(owner), verdict, JSON.stringify(note), JOURNAL_MS, ...kept];
    const { answer } = await this.#run(RESOLVE, name, args, journalKey(partitionOf(name)));
    return answer;
  }

  async list(state: Open["state"], limit: number): Promise<Listed[]> {
    const ofPartitions = await this.#ofEachPartition(async (partition) => {
      const code = state === "executing" ? "e" : "u";
      const { value, at } = await this.#servers.run(LIST, [indexKey(partition)], [code, limit]);
      return unpackList(given(value)).flatMap(({ name, value: stored }) => {
        const record = stored.length === 0 ? undefined : recordFrom(stored, at);
        return record?.state === "executing" || record?.state === "unknown" ? [{ name, record }] : [];
      });
    });
    return ofPartitions
      .flat()
      .toSorted((one, other) => one.record.startedAt - other.record.startedAt)
      .slice(0, limit);
  }

  async find(keyHash: Token): Promise<Name[]> {
    const prefix = `og:{${keyHash[0]}}:`;
    return namesIn((...args) => this.#servers.ask(prefix, "SCAN", ...args), `${prefix}*.${keyHash}`);
  }

  async names(): Promise<Name[]> {
    const ofMasters = await Promise.all(
      this.#servers.masters().map(({ master }) => namesIn((...args) => master.ask("SCAN", args), "og:{*}:*.*")),
    );
    return [...new Set(ofMasters.flat())];
  }

  async countUnknown(): Promise<number> {
    const counts = await this.#ofEachPartition(async (partition) => {
      const { value } = await this.#servers.run(COUNT_UNKNOWN, [indexKey(partition)], []);
      return Number(given(value).toString());
    });
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Removes unknowns whose retention is over. Some of each partition: what is left over is for the next time. */
  async expireUnknown(): Promise<void> {
    await this.#ofEachPartition((partition) =>
      this.#servers.run(EXPIRE_UNKNOWN, [indexKey(partition), journalKey(partition)], [UNSWEPT, JOURNAL_MS]),
    );
  }

  /** For what may let an operation start: only where the store is known to be whole. */
  #starting(name: Name): { pass: Pass; args: (string | number)[]; keys: string[] } {
    const partition = partitionOf(name);
    const pass = this.#continuity.pass(PARTITIONS.indexOf(partition));
    const keys = [markKey(partition), countKey(partition, this.#process)];
    return { pass, args: [pass.mark, pass.count, WITNESS_MS], keys };
  }

  #ofEachPartition<Answer>(ask: (partition: string) => Promise<Answer>): Promise<Answer[]> {
    return Promise.all(PARTITIONS.map(ask));
  }

  #run<Answer extends string>(
    script: Script<Answer>,
    name: Name,
    args: (string | number | Buffer)[],
    ...furtherKeys: string[]
  ): Promise<Reply<Answer>> {
    return this.#servers.run(script, [...keysOf(name), ...furtherKeys], args);
  }
}

/** Where `scan` shows keys that match. */
async function namesIn(scan: (...args: string[]) => Promise<unknown>, pattern: string): Promise<Name[]> {
  const names = new Set<Name>();
  let cursor = "0";
  do {
    const page = await scan(cursor, "MATCH", pattern, "COUNT", "1000");
    const [next, keys] = z.tuple([z.instanceof(Buffer), z.array(z.instanceof(Buffer))]).parse(page);
    for (const key of keys) {
      const name = /^og:\{.\}:([\w-]{22}\.[\w-]{22})$/.exec(key.toString("latin1"))?.[1];
      if (name !== undefined) names.add(name);
    }
    cursor = next.toString();
  } while (cursor !== "0");
  return [...names];
}

function given(value: Buffer | undefined): Buffer {
  if (value === undefined) throw new Error("a script left out the value that its answer carries");
  return value;
}
