import { asRead, unknownReason } from "../../domain/record.ts";
import type { Leased, Name, StoredRecord, Token, Unknown } from "../../domain/record.ts";
import { StoreError } from "../records.ts";

export const NAME_SECRET = "og:name-secret";

/** The 64 hash tags, and so at most 64 slots, over which records spread: the first character of the name's second half. */
export const PARTITIONS = Array.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

const TOKEN_LENGTH = 22;
const NAME_LENGTH = TOKEN_LENGTH + 1 + TOKEN_LENGTH;

export function indexKey(partition: string): string {
  return `og:{${partition}}:open`;
}

/** Which of a cluster's slots holds a key, which is that of its hash tag (Redis cluster specification). */
export function slotOf(key: string): number {
  // What all records' keys begin with; the expression costs more than the rest.
  const known = key.startsWith("og:{") && key[5] === "}" ? SLOT_OF_PARTITION.get(key[4]!) : undefined;
  return known ?? slotOfTag(/^[^{]*\{([^}]+)\}/.exec(key)?.[1] ?? key);
}

/** CRC16 (XMODEM). */
function slotOfTag(tag: string): number {
  let crc = 0;
  for (const byte of Buffer.from(tag)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  }
  return crc % SLOTS;
}

export const SLOTS = 16_384;

/** Every verb asks for one of these. */
const SLOT_OF_PARTITION: ReadonlyMap<string, number> = new Map(PARTITIONS.map((tag) => [tag, slotOfTag(tag)]));

/** One key in each slot that Oncegate uses. */
export const USED_KEYS = [...PARTITIONS.map(indexKey), NAME_SECRET];

export function journalKey(partition: string): string {
  return `og:{${partition}}:journal`;
}

/** What says that a partition's data is whole (domain/continuity.ts). */
export function markKey(partition: string): string {
  return `og:{${partition}}:mark`;
}

/** How many claims a partition has of one process. */
export function countKey(partition: string, process: string): string {
  return `og:{${partition}}:w:${process}`;
}

export function partitionOf(name: Name): string {
  const partition = name[TOKEN_LENGTH + 1] ?? "";
  if (!SLOT_OF_PARTITION.has(partition) || name.length !== NAME_LENGTH || name[TOKEN_LENGTH] !== ".")
    throw new TypeError("not a stored name: two tokens of 22 characters");
  return partition;
}

/** The keys of every verb on one record. */
export function keysOf(name: Name): [record: string, index: string] {
  const partition = partitionOf(name);
  return [`og:{${partition}}:${name}`, indexKey(partition)];
}

/** Who holds a document's turn and who is alive in its line (a hash), and the line by ticket (a sorted set); lua/turn.lua. */
export function turnKeys(document: Name): [turn: string, line: string] {
  const partition = partitionOf(document);
  return [`og:{${partition}}:turn:${document}`, `og:{${partition}}:line:${document}`];
}

/** Which operation is the original of a likeness. */
export function originalKey(likeness: Name): string {
  return `og:{${partitionOf(likeness)}}:original:${likeness}`;
}

const TOKEN_BYTES = 16;
export function toBytes(token: Token): Buffer {
  const bytes = Buffer.from(token, "base64url");
  if (bytes.length !== TOKEN_BYTES) throw new TypeError("not a token: 16 bytes as 22 characters");
  return bytes;
}

/** Where each part of a record begins; lua/record-format.lua writes them and says what they are. */
type Places = {
  startedAt: number;
  owner: number;
  fingerprint: number;
  credential: number;
  lease: number;
  rest: number;
};
const PLACES: Record<string, Places> = {
  "2": { startedAt: 20, owner: 33, fingerprint: 49, credential: 65, lease: 2, rest: 81 },
  "3": { startedAt: 2, owner: 8, fingerprint: 24, credential: 40, lease: 56, rest: 56 },
};
const STATE = 1;
const [LEASE_UNTIL_DIGITS, LEASE_MS_DIGITS] = [13, 5];

function placesIn(value: Buffer): Places {
  const places = PLACES[value.toString("latin1", 0, STATE)];
  if (places === undefined) throw new StoreError("unsent", "a record has a format that this version does not know");
  return places;
}

export function startedAt(head: Buffer): number {
  const { startedAt: from, owner: end } = placesIn(head);
  return end - from === 6 ? head.readUIntBE(from, 6) : Number(head.toString("latin1", from, end));
}

/** The entries that lua/list.lua packs: a name, the length of what follows, and the beginning of a record. */
export function unpackList(packed: Buffer): { name: Name; value: Buffer }[] {
  const entries: { name: Name; value: Buffer }[] = [];
  for (let at = 0; at < packed.length;) {
    const valueAt = at + NAME_LENGTH + 3;
    const end = valueAt + Number(packed.toString("latin1", at + NAME_LENGTH, valueAt));
    entries.push({ name: packed.toString("latin1", at, at + NAME_LENGTH), value: packed.subarray(valueAt, end) });
    at = end;
  }
  return entries;
}

/** `now`: Redis's clock in the same reply. */
export function recordFrom(value: Buffer, now: number): StoredRecord {
  const record = stored(value);
  return asRead(record, { lease: now, wall: now }) ?? record;
}

function stored(value: Buffer): StoredRecord {
  const places = placesIn(value);
  const common = {
    owner: tokenAt(value, places.owner),
    fingerprint: tokenAt(value, places.fingerprint),
    credential: tokenAt(value, places.credential),
    startedAt: startedAt(value),
  };
  const state = value.toString("latin1", STATE, STATE + 1);
  switch (state) {
    case "c":
      return { state: "claimed", ...common, ...leaseAt(value, places.lease) };
    case "e":
      return { state: "executing", ...common, ...leaseAt(value, places.lease) };
    case "d":
      return { state: "completed", ...common, answer: value.subarray(places.rest) };
    case "u":
      return { state: "unknown", ...common, ...unknownRest(value.toString("latin1", places.rest)) };
  }
  throw new StoreError("unsent", `a record has the state "${state}", which this version does not know`);
}

function tokenAt(value: Buffer, at: number): Token {
  return value.toString("base64url", at, at + TOKEN_BYTES);
}

function leaseAt(value: Buffer, at: number): Leased {
  const lengthAt = at + LEASE_UNTIL_DIGITS;
  return {
    leaseUntil: Number(value.toString("latin1", at, lengthAt)),
    leaseMs: Number(value.toString("latin1", lengthAt, lengthAt + LEASE_MS_DIGITS)),
  };
}

function unknownRest(rest: string): Pick<Unknown, "reason" | "firstLook"> {
  const [, reason = rest, at, gatewayAt] = /^([a-z-]+)(\d{13})(\d{13})$/.exec(rest) ?? [];
  const firstLook = at === undefined ? {} : { firstLook: { at: Number(at), gatewayAt: Number(gatewayAt) } };
  return { reason: unknownReason(reason), ...firstLook };
}
