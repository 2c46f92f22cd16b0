import { createHash } from "node:crypto";

export const digest = (bytes: Buffer | string): string =>
  createHash("sha256").update(bytes).digest("base64url").slice(0, 22);

/** Of an answer, at both ends of a run alike: its body and the two of its headers that the upstream chooses. */
export function answerDigest(headers: Record<string, string | string[] | undefined>, body: Buffer | string): string {
  const head = JSON.stringify([headers["content-type"], headers["x-request"]]);
  return digest(Buffer.concat([Buffer.from(head), Buffer.from(body)]));
}
