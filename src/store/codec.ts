import type { Completed, Identity, Name } from "../domain/record.ts";
import type { Kept } from "../domain/replay.ts";
import { asBuffer } from "./bytes.ts";
import { compressed, decompressed } from "./compression.ts";
import type { Bound, Keyring } from "./keyring.ts";
import { packHead, unpackHead } from "./packed-head.ts";
import { StoreError } from "./records.ts";

/** A kept answer as it stands in the store, for this record alone. At once unless it is large. */
export function sealKept(
  keyring: Keyring,
  name: Name,
  identity: Identity,
  kept: Kept,
): Uint8Array | Promise<Uint8Array> {
  const seal = (bytes: Uint8Array): Uint8Array => keyring.seal(bytes, boundTo(name, identity));
  const bytes = compressKept(encodeKept(kept));
  return bytes instanceof Promise ? bytes.then(seal) : seal(bytes);
}

/** Throws StoreError where it is not what sealKept made for this record: it must never look like a free key. */
export function openKept(keyring: Keyring, name: Name, record: Completed): Kept {
  return decodeKept(keyring.open(record.answer, boundTo(name, record)));
}

/** Besides the name: so nobody can make it the answer to another request or for another customer by changing its record. */
function boundTo(name: Name, { owner, fingerprint, credential }: Identity): Bound {
  return { purpose: "answer", identity: [name, owner, fingerprint, credential] };
}

/**
 * A kept answer as bytes: format, kind, status, and what follows, which is the head (packed-head.ts) and the body. Where the kind has
 * COMPRESSED set, what follows is its length and then itself, compressed. Readers refuse what they do not know: a newer version may
 * share the store.
 */
const FORMAT = 2;
const KINDS = { answer: 1, head: 2, "operator-answer": 3, executed: 4, "probe-answer": 5 } as const;
const COMPRESSED = 0x80;
const PREFIX_BYTES = 4;
const LENGTH_BYTES = 4;

/** Before: format, kind, status, length of the head, head, body. Such records live as long as their retention. */
const FORMER = { FORMAT: 1, PREFIX_BYTES: 8 };

export function encodeKept(kept: Kept): Uint8Array {
  switch (kept.kind) {
    case "answer":
    case "operator-answer":
    case "probe-answer":
      return encode(KINDS[kept.kind], kept.status, kept.headers, kept.body);
    case "executed":
      return encode(KINDS.executed, 0, [], Buffer.alloc(0));
    case "head": {
      const headers = kept.location === undefined ? [] : ["Location", kept.location];
      return encode(KINDS.head, kept.status, headers, Buffer.alloc(0));
    }
  }
}

/** What encodeKept made, smaller where that is worth it. At once unless it is large. */
export function compressKept(encoded: Uint8Array): Uint8Array | Promise<Uint8Array> {
  const rest = encoded.subarray(PREFIX_BYTES);
  const smaller = compressed(rest);
  if (!(smaller instanceof Promise)) return withRest(encoded, rest.length, smaller);
  return smaller.then((bytes) => withRest(encoded, rest.length, bytes));
}

/** `smaller`: the rest, of `length` bytes, compressed, where that is worth it. */
function withRest(encoded: Uint8Array, length: number, smaller: Buffer | undefined): Uint8Array {
  if (smaller === undefined) return encoded;
  const prefix = Buffer.alloc(PREFIX_BYTES + LENGTH_BYTES);
  prefix.set(encoded.subarray(0, PREFIX_BYTES));
  prefix.writeUInt8(prefix.readUInt8(1) | COMPRESSED, 1);
  prefix.writeUInt32BE(length, PREFIX_BYTES);
  return Buffer.concat([prefix, smaller]);
}

/** Throws StoreError where the bytes are not what encodeKept or compressKept made: it must never look like a free key. */
export function decodeKept(bytes: Uint8Array): Kept {
  const buffer = asBuffer(bytes);
  if (buffer[0] === FORMER.FORMAT && buffer.length >= FORMER.PREFIX_BYTES) return decodeFormer(buffer);
  if (buffer[0] !== FORMAT || buffer.length < PREFIX_BYTES) throw unreadable("has an unknown format");
  const kind = buffer.readUInt8(1);
  const rest = kind & COMPRESSED ? wholeOf(buffer.subarray(PREFIX_BYTES)) : buffer.subarray(PREFIX_BYTES);
  const head = unpackHead(rest);
  if (head === undefined) throw unreadable("is cut, or has an unknown header");
  return keptOf(kind & ~COMPRESSED, buffer.readUInt16BE(2), head.headers, rest.subarray(head.end));
}

function keptOf(kind: number, status: number, headers: string[], body: Buffer): Kept {
  switch (kind) {
    case KINDS.answer:
      return { kind: "answer", status, headers, body };
    case KINDS["operator-answer"]:
      return { kind: "operator-answer", status, headers, body };
    case KINDS["probe-answer"]:
      return { kind: "probe-answer", status, headers, body };
    case KINDS.head:
      return { kind: "head", status, location: headers[1] };
    case KINDS.executed:
      return { kind: "executed" };
  }
  throw unreadable("is of an unknown kind");
}

function unreadable(why: string): StoreError {
  return new StoreError("unsent", `a stored answer ${why}`);
}

function encode(kind: number, status: number, headers: readonly string[], body: Uint8Array): Buffer {
  const head = packHead(headers, body.length);
  const bytes = Buffer.allocUnsafe(PREFIX_BYTES + head.length + body.length);
  bytes.writeUInt8(FORMAT, 0);
  bytes.writeUInt8(kind, 1);
  bytes.writeUInt16BE(status, 2);
  bytes.write(head, PREFIX_BYTES, "latin1");
  bytes.set(body, PREFIX_BYTES + head.length);
  return bytes;
}

function wholeOf(rest: Buffer): Buffer {
  const whole =
    rest.length < LENGTH_BYTES ? undefined : decompressed(rest.subarray(LENGTH_BYTES), rest.readUInt32BE(0));
  if (whole === undefined) throw unreadable("is damaged where it is compressed");
  return whole;
}

function decodeFormer(buffer: Buffer): Kept {
  const bodyAt = FORMER.PREFIX_BYTES + buffer.readUInt32BE(4);
  if (bodyAt > buffer.length) throw unreadable("is cut");
  const lines = buffer.toString("latin1", FORMER.PREFIX_BYTES, bodyAt).split("\n").slice(0, -1);
  const headers = lines.flatMap((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]);
  return keptOf(buffer.readUInt8(1), buffer.readUInt16BE(2), headers, buffer.subarray(bodyAt));
}
