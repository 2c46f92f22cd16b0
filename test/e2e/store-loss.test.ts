import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { randomUUID } from "node:crypto";
import { startGatewayProcess } from "../support/gateway.ts";
import type { Ending, GatewayProcess } from "../support/gateway.ts";
import { untilReady } from "../support/installation.ts";
import { runCommand } from "../support/run-command.ts";
import { startRedis } from "../support/redis-server.ts";
import { INVOICE, startSampleApi } from "../support/sample-api.ts";
import type { SampleApi } from "../support/sample-api.ts";
import { until } from "../support/until.ts";
import { page, post } from "./keyed-post.ts";
import { LOSSES } from "./store-loss.ts";

const ending: (() => Promise<unknown>)[] = [];
let api: SampleApi;
beforeEach(async () => {
  api = await startSampleApi();
  ending.push(() => api.close());
});
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end();
});

async function gatewayOn(url: string, env: Record<string, string> = {}): Promise<GatewayProcess> {
  const settings = { ONCEGATE_UPSTREAM_URL: api.url, ONCEGATE_STORE: url, ONCEGATE_REDIS_WAIT_REPLICAS: "0", ...env };
  const gateway = await startGatewayProcess(settings);
  ending.push(() => gateway.kill());
  await untilReady(gateway);
  return gateway;
}

/** One invoice, under a number and a key of its own. */
class Invoice {
  readonly number = randomUUID();

  async postTo({ url }: GatewayProcess) {
    return post(url, this.number, { body: JSON.stringify({ ...INVOICE, number: this.number }) });
  }

  async made(): Promise<number> {
    const answer = await fetch(`${api.url}/invoices?number=${this.number}`);
    return ((await answer.json()) as { count: number }).count;
  }
}

/** Sends until the answer is another than that the store cannot be asked at this moment. */
async function answerOf(gateway: GatewayProcess, invoice = new Invoice()): Promise<string> {
  return until("an answer", async () => {
    const { status, code, isReplay } = await invoice.postTo(gateway);
    return code !== "store-unavailable" && `${status} ${code ?? (isReplay ? "replayed" : "executed")}`;
  });
}

function operate({ adminUrl }: GatewayProcess, ...args: string[]): Promise<Ending> {
  return runCommand({ ONCEGATE_ADMIN_LISTEN: new URL(adminUrl).host }, ["store", ...args]);
}

/** Its log says that data was lost, and then that this is over, and nothing more of it. */
async function toldOnce(gateway: GatewayProcess): Promise<void> {
  await gateway.logged(({ msg }) => msg.startsWith("store-lost-data is over"));
  const levels = gateway.lines.filter(({ msg }) => msg.startsWith("store-lost-data")).map(({ level }) => level);
  expect(levels).toEqual(["error", "warn"]);
}

const REFUSED = "503 store-lost-data";
const isLost = async ({ adminUrl }: GatewayProcess) =>
  /^oncegate_store_lost (\d)$/m.exec((await page(adminUrl, "/metrics")).text)?.[1];

describe.each(LOSSES)("when %s", (_what, start) => {
  test("it is noticed: nothing executes twice before an operator accepts it, and everything goes on after that", async () => {
    const store = await start();
    ending.push(() => store.close());
    const gateways = [await gatewayOn(store.url), await gatewayOn(store.url)] as const;
    const [claimer, other] = gateways;
    const lose = await store.prepare();
    const invoice = new Invoice();
    expect(await answerOf(claimer, invoice)).toBe("201 executed");
    await lose();

    // First the one that cannot know by itself.
    expect(await answerOf(other, invoice)).toBe(REFUSED);
    expect(await answerOf(claimer, invoice)).toBe(REFUSED);
    for (const gateway of gateways) {
      const seen = await new Invoice().postTo(gateway);
      expect([seen.code, seen.headers.get("retry-after")]).toEqual(["store-lost-data", "30"]);
      expect((await post(gateway.url, undefined)).status).toBe(201); // passed through
      const ready = await page(gateway.adminUrl, "/ready");
      expect(ready).toEqual({ status: 200, text: expect.stringContaining('"warning":"store-lost-data: ') });
      expect(await isLost(gateway)).toBe("1");
    }
    expect(await invoice.made()).toBe(1);

    expect(await operate(other, "status")).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^store \S+ {2}lost\n/),
    });
    const accepted = await operate(other, "accept-loss", "--why", "looked at the logs", "--by", "Ann");
    expect(accepted).toMatchObject({ code: 0, stdout: expect.stringMatching(/^store \S+ {2}whole\n/) });

    // Both find what the other one kept: they agree on names.
    const [one, two] = [new Invoice(), new Invoice()];
    const answers: string[] = [];
    for (const gateway of [claimer, other])
      answers.push(
        await until("operations go on", async () => {
          const answer = await answerOf(gateway, gateway === claimer ? one : two);
          return answer !== REFUSED && answer;
        }),
      );
    expect(answers).toEqual(["201 executed", "201 executed"]);
    expect([await answerOf(claimer, two), await answerOf(other, one)]).toEqual(["201 replayed", "201 replayed"]);
    expect([await one.made(), await two.made()]).toEqual([1, 1]);
    expect(await isLost(claimer)).toBe("0");
    expect((await page(other.adminUrl, "/journal")).text).toContain('"event":"loss-accepted"');
    for (const gateway of gateways) await toldOnce(gateway);
  });
});

describe("a gateway", () => {
  test("goes on at once where it is told to, and says so", async () => {
    const redis = await startRedis();
    ending.push(() => redis.close());
    const gateway = await gatewayOn(redis.url, { ONCEGATE_ON_STORE_LOSS: "continue" });
    expect(await answerOf(gateway)).toBe("201 executed");
    await redis.kill9();
    await redis.close();
    const empty = await startRedis({ port: redis.port });
    ending.push(() => empty.close());
    expect(
      await until("operations go on", async () => {
        const answer = await answerOf(gateway);
        return answer !== REFUSED && answer;
      }),
    ).toBe("201 executed");
    await toldOnce(gateway);
    expect((await page(gateway.adminUrl, "/journal")).text).toContain('"by":"ONCEGATE_ON_STORE_LOSS"');
  });

  test("that starts on an emptied store refuses operations where the store's id is pinned", async () => {
    const redis = await startRedis();
    ending.push(() => redis.close());
    const first = await gatewayOn(redis.url);
    const started = await first.logged(({ msg }) => msg === "oncegate started");
    const id = String(started["storeId"]);
    expect((await operate(first, "status")).stdout).toContain(`store ${id}  whole`);
    await first.kill();
    await redis.close();
    const empty = await startRedis({ port: redis.port });
    ending.push(() => empty.close());
    const fresh = await gatewayOn(empty.url, { ONCEGATE_STORE_ID: id });
    expect(await answerOf(fresh)).toBe(REFUSED);
    expect((await operate(fresh, "accept-loss", "--why", "a new one")).stdout).toContain(`store ${id}  whole`);
    expect(await answerOf(fresh)).toBe("201 executed");
    await fresh.kill();
    expect(await answerOf(await gatewayOn(empty.url, { ONCEGATE_STORE_ID: id }))).toBe("201 executed");
    const stranger = await gatewayOn(empty.url, { ONCEGATE_STORE_ID: "another" });
    expect(await answerOf(stranger)).toBe(REFUSED);
    expect(await operate(stranger, "accept-loss", "--why", "mine")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("not the store that ONCEGATE_STORE_ID names"),
    });
    expect((await page(stranger.adminUrl, "/ready")).text).toContain("until the setting or the store is right");
  });

  test("starts nothing for five seconds on a Redis that was restarted, and settles what ran", async () => {
    const redis = await startRedis();
    ending.push(() => redis.close());
    const gateway = await gatewayOn(redis.url);
    const slow = post(gateway.url, "slow", { fault: "delay:9000" });
    await until(
      "it runs",
      async () => (await post(gateway.url, "slow", { fault: "delay:9000" })).code === "operation-in-flight",
    );
    await redis.kill9();
    const startedAt = performance.now();
    await redis.start();
    expect(await answerOf(gateway)).toBe("201 executed");
    expect(performance.now() - startedAt).toBeGreaterThan(5_000);
    const seen = await slow;
    expect([seen.status, seen.headers.get("idempotency-stored")]).toEqual([201, null]);
    expect(await isLost(gateway)).toBe("0");
  });

  test("tells its operator what cannot be meant", async () => {
    const redis = await startRedis();
    ending.push(() => redis.close());
    const gateway = await gatewayOn(redis.url);
    const wrong: [args: string[], code: number, words: string][] = [
      [[], 2, "Usage: oncegate store status"],
      [["delete"], 2, 'no command "delete"'],
      [["status", "--why", "w"], 2, "takes no --why"],
      [["status", "now"], 2, 'what is "now"'],
      [["status", "--now"], 2, "--now"],
      [["accept-loss"], 2, "--why says"],
      [["accept-loss", "--why", " "], 1, "why"],
      [["accept-loss", "--why", "w"], 1, "did not lose anything"],
    ];
    for (const [args, code, words] of wrong)
      expect([args, await operate(gateway, ...args)]).toMatchObject([
        args,
        { code, stderr: expect.stringContaining(words) },
      ]);
    expect(JSON.parse((await operate(gateway, "status", "--json")).stdout)).toEqual({
      store: "whole",
      id: expect.any(String),
    });
    expect((await page(gateway.adminUrl, "/journal")).text).not.toContain("loss-accepted");
  });
});
