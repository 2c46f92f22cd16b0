import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { startGatewayProcess } from "../support/gateway.ts";
import type { GatewayProcess } from "../support/gateway.ts";
import { startRedis } from "../support/redis-server.ts";
import { startSampleApi } from "../support/sample-api.ts";
import type { SampleApi } from "../support/sample-api.ts";
import { page, post } from "./keyed-post.ts";
import { storeFile } from "./store-file.ts";
import { until } from "../support/until.ts";

/** Duplicates of one request that race, half of them to each gateway. */
const RACERS = 100;

const STORES = {
  "one SQLite file": async () => {
    const file = storeFile();
    return { url: file.url, remove: async () => file.remove() };
  },
  "one Redis": async () => {
    const redis = await startRedis();
    return { url: redis.url, remove: () => redis.close() };
  },
};

describe.each(Object.entries(STORES))("two gateways on %s", (_name, openStore) => {
  let api: SampleApi;
  let store: { url: string; remove(): Promise<void> };
  let gateways: GatewayProcess[] = [];
  beforeAll(async () => {
    api = await startSampleApi();
    store = await openStore();
    const env = { ONCEGATE_UPSTREAM_URL: api.url, ONCEGATE_STORE: store.url };
    gateways = await Promise.all([startGatewayProcess(env), startGatewayProcess(env)]);
    for (const { adminUrl } of gateways)
      await until("both are ready", async () => (await page(adminUrl, "/ready")).status === 200);
  });
  afterAll(async () => {
    await Promise.all(gateways.map((gateway) => gateway.kill()));
    await store.remove();
    await api.close();
  });

  const urls = () => gateways.map(({ url }) => url);
  let invoicesBefore = 0;
  afterEach(async () => {
    invoicesBefore = await api.count("/invoices");
  });

  test.each([
    ["slowly", "delay-after:400"],
    ["at once", undefined],
  ])("make one invoice of 100 racing duplicates where the upstream answers %s", async (pace, fault) => {
    const key = `race ${pace}`;
    const options = fault === undefined ? {} : { fault };
    const answers = await Promise.all(Array.from({ length: RACERS }, (_, i) => post(urls()[i % 2]!, key, options)));

    expect(await api.count("/invoices")).toBe(invoicesBefore + 1);
    const kinds = Map.groupBy(answers, ({ status, code, isReplay }) => code ?? `${status}${isReplay ? " again" : ""}`);
    expect(new Set(kinds.keys()).isSubsetOf(new Set(["201", "201 again", "operation-in-flight"]))).toBe(true);
    expect(kinds.get("201")).toHaveLength(1);
    const [original] = kinds.get("201")!;
    expect(new Set(kinds.get("201 again")?.map(({ text }) => text) ?? [original!.text])).toEqual(
      new Set([original!.text]),
    );
    for (const refused of kinds.get("operation-in-flight") ?? [])
      expect([refused.status, refused.headers.get("retry-after")]).toEqual([409, "1"]);

    for (const url of urls()) {
      const retry = await post(url, key, options);
      expect([retry.status, retry.isReplay, retry.text]).toEqual([201, true, original!.text]);
    }
    expect(await api.count("/invoices")).toBe(invoicesBefore + 1);
  });

  test("execute each of many different operations once, whichever gateway they come through", async () => {
    const keys = Array.from({ length: 20 }, (_, i) => `order-${i}`);
    const answers = await Promise.all(keys.flatMap((key) => urls().map((url) => post(url, key))));
    expect(new Set(answers.map(({ status }) => status)).isSubsetOf(new Set([201, 409]))).toBe(true);
    expect(await api.count("/invoices")).toBe(invoicesBefore + keys.length);
    const [here, there] = await Promise.all(urls().map((url) => Promise.all(keys.map((key) => post(url, key)))));
    expect(here!.map(({ text }) => text)).toEqual(there!.map(({ text }) => text));
    expect([...here!, ...there!].every(({ isReplay }) => isReplay)).toBe(true);
    expect(await api.count("/invoices")).toBe(invoicesBefore + keys.length);
  });

  test("refuse the same key with another body through either, and change nothing", async () => {
    const first = await post(urls()[0]!, "reused");
    const other = JSON.stringify({ ...JSON.parse(first.text), customer: "Somebody else" });
    for (const url of urls()) {
      const refused = await post(url, "reused", { body: other });
      expect([refused.status, refused.code]).toEqual([422, "key-reused"]);
    }
    expect((await post(urls()[1]!, "reused")).text).toBe(first.text);
    expect(await api.count("/invoices")).toBe(invoicesBefore + 1);
  });
});
