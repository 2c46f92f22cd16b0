import { afterAll, beforeAll, describe } from "@jest/globals";
import { startSentinels } from "../support/redis-sentinels.ts";
import type { Sentinels } from "../support/redis-sentinels.ts";
import { storeContract } from "./contract.ts";
import { sharedFixture } from "./redis-fixture.ts";

describe("on Sentinel", () => {
  let sentinels: Sentinels;
  beforeAll(async () => {
    sentinels = await startSentinels();
  });
  afterAll(() => sentinels.close());

  storeContract("redis", () => sharedFixture(sentinels.url, async () => [await sentinels.master()]));
});
