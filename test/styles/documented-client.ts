import { spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

/** The final answer that a client got. */
type Final = { status: number; document: Record<string, unknown> };

/** Posts an invoice as the API's documentation says; rejects where the last try had no answer that is final. */
export type Client = (url: string, invoice: object, isRequestIdOnly?: boolean) => Promise<Final>;

const TIMEOUT_MS = 30_000;
const TRIES = 5;
const SCRIPT = fileURLToPath(new URL("../../examples/clients/post_with_retry.py", import.meta.url));

export const hasPython = (): boolean => spawnSync("python3", ["--version"], { stdio: "ignore" }).status === 0;

/** The documented client itself. */
export const python: Client = async (url, invoice, isRequestIdOnly = false) => {
  const folder = mkdtempSync(join(tmpdir(), "oncegate-client-"));
  const file = join(folder, "invoice.json");
  writeFileSync(file, JSON.stringify(invoice));
  const options = isRequestIdOnly ? ["--request-id-only"] : [];
  const child = spawn("python3", [SCRIPT, url, file, "key_1", ...options], { stdio: ["ignore", "pipe", "pipe"] });
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  rmSync(folder, { recursive: true });
  if (child.exitCode !== 0) throw new Error(err);
  return JSON.parse(out) as Final;
};

/** The same behaviour, for machines without it. */
export const inTypeScript: Client = async (url, invoice, isRequestIdOnly = false) => {
  const uuid = randomUUID();
  const headers = {
    "content-type": "application/json",
    authorization: "Bearer key_1",
    "x-request-id": uuid,
    ...(isRequestIdOnly ? {} : { "idempotency-key": uuid }),
  };
  let trouble: unknown;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(invoice), signal });
      const document = (await answer.json()) as Record<string, unknown>;
      if (answer.status !== 429 && answer.status < 500) return { status: answer.status, document };
      trouble = new Error(`${answer.status} ${JSON.stringify(document)}`);
    } catch (error) {
      trouble = error;
    }
    await sleep(500 * 2 ** attempt * (0.75 + Math.random() / 2));
  }
  throw trouble;
};
