import { afterAll, beforeAll, describe } from "@jest/globals";
import { startCluster } from "../support/redis-cluster.ts";
import type { RedisCluster } from "../support/redis-cluster.ts";
import { storeContract } from "./contract.ts";
import { sharedFixture } from "./redis-fixture.ts";

describe("on a cluster", () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startCluster();
  });
  afterAll(() => cluster.close());

  storeContract("redis", () => sharedFixture(cluster.url, async () => cluster.masters));
});
