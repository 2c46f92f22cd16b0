import type { Completed, Identity, Name } from "../domain/record.ts";
import type { Kept } from "../domain/replay.ts";
import { asBuffer } from "./bytes.ts";
import type { Bound, Keyring } from "./keyring.ts";
import { StoreError } from "./records.ts";

/** A kept answer as it stands in the store, for this record alone. */
export function sealKept(keyring: Keyring, name: Name, identity: Identity, kept: Kept): Uint8Array {
  return keyring.seal(encodeKept(kept), boundTo(name, identity));
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
 * A kept answer as bytes: format, kind, status, length of the head, head, body. The head is raw headers as on the wire, in
 * Latin-1, so that every byte comes back. Readers refuse what they do not know: a newer version may share the store.
 */
const FORMAT = 1;
const KINDS = { answer: 1, head: 2, "operator-answer": 3, executed: 4, "probe-answer": 5 } as const;
const PREFIX_BYTES = 8;

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

/** Throws StoreError where the bytes are not what encodeKept made: it must never look like a free key. */
export function decodeKept(bytes: Uint8Array): Kept {
  const buffer = asBuffer(bytes);
  if (buffer.length < PREFIX_BYTES || buffer.readUInt8(0) !== FORMAT) throw unreadable("has an unknown format");
  const kind = buffer.readUInt8(1);
  const status = buffer.readUInt16BE(2);
  const bodyAt = PREFIX_BYTES + buffer.readUInt32BE(4);
  if (bodyAt > buffer.length) throw unreadable("is cut");
  const headers = decodeHead(buffer.toString("latin1", PREFIX_BYTES, bodyAt));
  switch (kind) {
    case KINDS.answer:
      return { kind: "answer", status, headers, body: buffer.subarray(bodyAt) };
    case KINDS["operator-answer"]:
      return { kind: "operator-answer", status, headers, body: buffer.subarray(bodyAt) };
    case KINDS["probe-answer"]:
      return { kind: "probe-answer", status, headers, body: buffer.subarray(bodyAt) };
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
  let head = "";
  for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}:${headers[i + 1]}\n`; // a header holds no line feed
  const bytes = Buffer.allocUnsafe(PREFIX_BYTES + head.length + body.length);
  bytes.writeUInt8(FORMAT, 0);
  bytes.writeUInt8(kind, 1);
  bytes.writeUInt16BE(status, 2);
  bytes.writeUInt32BE(head.length, 4);
  bytes.write(head, PREFIX_BYTES, "latin1");
  bytes.set(body, PREFIX_BYTES + head.length);
  return bytes;
}

function decodeHead(head: string): string[] {
  const headers: string[] = [];
  for (const line of head.split("\n").slice(0, -1)) {
    const colon = line.indexOf(":");
    headers.push(line.slice(0, colon), line.slice(colon + 1));
  }
  return headers;
}
