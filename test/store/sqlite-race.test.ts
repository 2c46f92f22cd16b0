import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { execPath } from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { sqliteFixture } from "./sqlite-fixture.ts";
import type { SqliteFixture } from "./sqlite-fixture.ts";

const RACER = fileURLToPath(new URL("./sqlite-racer.ts", import.meta.url));

type Acknowledged = { verb: "claimed" | "completed"; key: number; owner: string };

describe("two processes on one SQLite file", () => {
  let fixture: SqliteFixture;
  let running: Racer[];

  beforeEach(async () => {
    fixture = await sqliteFixture();
    running = [];
  });
  afterEach(async () => {
    await Promise.all(running.map((racer) => racer.end()));
    await fixture.destroy();
  });

  const racer = (first: number, end: number): Racer => {
    const started = new Racer(fixture.file, first, end);
    running.push(started);
    return started;
  };

  /** Everything that a process was told is in the file, and nobody else owns it. */
  const expectKept = async (acknowledged: Acknowledged[]) => {
    const store = await fixture.open();
    for (const { verb, key, owner } of acknowledged) {
      const record = await store.records.read(`${"r".repeat(22)}.${String(key).padStart(22, "0")}`);
      expect({ key, owner: record?.owner }).toEqual({ key, owner });
      if (verb === "claimed") continue;
      if (record?.state !== "completed") throw new Error(`key ${key} is not completed`);
      expect(Buffer.from(record.answer).toString()).toBe(`answer ${owner}`);
    }
  };

  test("give each of 200 keys that both claim to one of them", async () => {
    const [one, two] = [racer(0, 200), racer(0, 200)];
    await Promise.all([one.isReady, two.isReady]);
    one.go();
    two.go();
    expect(await Promise.all([one.ended, two.ended])).toEqual([0, 0]);
    const owned = [...one.claimed(), ...two.claimed()];
    expect(owned.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, i) => i));
    await expectKept([...one.acknowledged, ...two.acknowledged]);
  });

  test("lose nothing that was acknowledged when one is killed, and the other goes on", async () => {
    const [killed, survivor] = [racer(1_000, Infinity), racer(0, 600)];
    await Promise.all([killed.isReady, survivor.isReady]);
    killed.go();
    await killed.hasAcknowledged(20);
    survivor.go();
    await survivor.hasAcknowledged(20);
    killed.kill();
    expect(await killed.ended).toBe("SIGKILL");
    expect(await survivor.ended).toBe(0);
    expect(survivor.claimed()).toHaveLength(600);
    await expectKept([...killed.acknowledged, ...survivor.acknowledged]);
  });
});

class Racer {
  readonly acknowledged: Acknowledged[] = [];
  readonly isReady: Promise<unknown>;
  /** Its exit code or the signal that ended it, once all that it wrote was read. */
  readonly ended: Promise<number | string>;
  readonly #child;
  readonly #lines;

  constructor(file: string, first: number, end: number) {
    this.#child = spawn(execPath, ["--disable-warning=ExperimentalWarning", RACER, file, String(first), String(end)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#lines = createInterface(this.#child.stdout);
    this.isReady = once(this.#lines, "line");
    this.#lines.on("line", (line) => {
      const [verb, key, owner] = line.split(" ");
      if ((verb !== "claimed" && verb !== "completed") || owner === undefined) return;
      this.acknowledged.push({ verb, key: Number(key), owner });
    });
    this.ended = once(this.#child, "close").then(([code, signal]: (number | string)[]) => code ?? signal ?? "");
  }

  go(): void {
    this.#child.stdin.write("go\n");
  }

  async hasAcknowledged(count: number): Promise<void> {
    while (this.acknowledged.length < count) await once(this.#lines, "line");
  }

  claimed(): number[] {
    return this.acknowledged.filter(({ verb }) => verb === "claimed").map(({ key }) => key);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  async end(): Promise<void> {
    this.kill();
    await this.ended;
  }
}
