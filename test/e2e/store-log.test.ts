import { afterEach, expect, test } from "@jest/globals";
import { startGatewayProcess } from "../support/gateway.ts";
import type { GatewayProcess } from "../support/gateway.ts";
import { startRedis } from "../support/redis-server.ts";
import type { RedisServer } from "../support/redis-server.ts";
import { untilReady } from "../support/installation.ts";
import { startSampleApi } from "../support/sample-api.ts";
import { until } from "../support/until.ts";
import { post } from "./keyed-post.ts";

const ending: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0)) await end();
});

async function gatewayOn(redis: RedisServer): Promise<GatewayProcess> {
  const api = await startSampleApi();
  const gateway = await startGatewayProcess({ ONCEGATE_UPSTREAM_URL: api.url, ONCEGATE_STORE: redis.url });
  ending.push(
    () => gateway.kill(),
    () => api.close(),
    () => redis.close(),
  );
  return gateway;
}

test("the log tells once when the store goes, and once when it is back", async () => {
  const redis = await startRedis();
  const gateway = await gatewayOn(redis);
  await untilReady(gateway);
  expect((await post(gateway.url, "1")).status).toBe(201);
  await redis.kill9();
  for (const key of ["2", "3"]) expect((await post(gateway.url, key)).code).toBe("store-unavailable");
  await redis.start();
  await until("operations run again", async () => (await post(gateway.url, "4")).status === 201);
  await gateway.logged(({ msg }) => msg === "the store answers again");
  const told = gateway.lines.filter(({ msg }) => /^the store (does not answer|answers)/.test(msg));
  // On a slow machine a server that has just started may be away once more.
  const turns = told.map((_, i) =>
    i % 2 === 0
      ? ["error", "the store does not answer: operations are refused while it does not"]
      : ["info", "the store answers again"],
  );
  expect(told.map(({ level, msg }) => [level, msg])).toEqual(turns);
  expect(told[0]).toHaveProperty("why", expect.stringContaining("Redis at 127.0.0.1"));
});

test("a Redis that keeps nothing over a restart is a warning at the start", async () => {
  const gateway = await gatewayOn(await startRedis({ appendonly: false }));
  const warning = await gateway.logged(
    ({ risk }) => typeof risk === "string" && risk.includes("set appendonly yes and appendfsync always"),
  );
  expect(warning).toMatchObject({ level: "warn", msg: "the store is not as it should be" });
});
