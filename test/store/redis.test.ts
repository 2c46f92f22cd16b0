import { storeContract } from "./contract.ts";
import { redisFixture } from "./redis-fixture.ts";

storeContract("redis", redisFixture);
