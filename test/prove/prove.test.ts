import { expect, test } from "@jest/globals";
import { Redis } from "ioredis";
import { runToItsEnd } from "../support/gateway.ts";
import { freePort, startRedis } from "../support/redis-server.ts";

const SHORT = ["prove", "--seconds", "4", "--intents", "60"];
/** What it takes to look twice is more than a test that has to end, should a gateway be killed in just that moment. */
const LONGER_MS = 120_000;

const PROVED =
  /^60 intents, 60 invoices, 0 lost answers, [1-9]\d* replays, \d+ unknown resolved\n[1-9]\d* kills of gateways\n$/m;

test(
  "oncegate prove kills gateways on a file of its own, and finds one invoice for each intent",
  async () => {
    const { code, stdout, stderr } = await runToItsEnd({}, SHORT, LONGER_MS);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(PROVED);
  },
  LONGER_MS,
);

test(
  "oncegate prove uses the store that is configured, under keys of its own",
  async () => {
    const redis = await startRedis();
    const client = new Redis(redis.url);
    try {
      await client.set("og:name-secret", Buffer.alloc(32, 7));
      const env = { ONCEGATE_STORE: redis.url };
      const { code, stdout } = await runToItsEnd(env, SHORT, LONGER_MS);
      expect(stdout).toMatch(PROVED);
      expect(code).toBe(0);
      expect((await client.keys("og:{*}:*.*")).length).toBe(60);
      expect(await client.getBuffer("og:name-secret")).toEqual(Buffer.alloc(32, 7));
    } finally {
      client.disconnect();
      await redis.close();
    }
  },
  LONGER_MS,
);

test("oncegate prove says why it cannot begin", async () => {
  const wrong: [env: Record<string, string>, args: string[], code: number, words: string][] = [
    [{}, ["--seconds", "0"], 2, "Usage: oncegate prove"],
    [{}, ["--minutes", "1"], 2, "Usage: oncegate prove"],
    [{ ONCEGATE_STORE: "mysql://here" }, [], 1, "ONCEGATE_STORE"],
    [{ ONCEGATE_STORE: `redis://127.0.0.1:${await freePort()}` }, [], 1, "ECONNREFUSED"],
  ];
  for (const [env, args, code, words] of wrong)
    expect(await runToItsEnd(env, ["prove", ...args], LONGER_MS)).toMatchObject({
      code,
      stderr: expect.stringContaining(words),
    });
});
