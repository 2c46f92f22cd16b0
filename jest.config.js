/** Real failovers, soaks, chaos and whole tables of time-outs: `npm run test:long` (jest.long.config.js) runs these, so that `npm test` stays a few minutes. */
export const LONG = [
  "test/chaos/chaos.test.ts",
  "test/deploy/image.test.ts",
  "test/deploy/package.test.ts",
  "test/deploy/profiles.test.ts",
  "test/e2e/document-queue.test.ts",
  "test/e2e/bench.test.ts",
  "test/e2e/memory.test.ts",
  "test/e2e/redis-failover.test.ts",
  "test/e2e/redis-partition.test.ts",
  "test/e2e/redis-resharding.test.ts",
  "test/e2e/soak.test.ts",
  "test/e2e/store-kept.test.ts",
  "test/e2e/store-loss.test.ts",
  "test/e2e/workers.test.ts",
  "test/inbound/slow-clients.test.ts",
  "test/model/duplicates.test.ts",
  "test/model/protocol.test.ts",
  "test/model/queue.test.ts",
  "test/prove/prove.test.ts",
  "test/store/redis-cluster.test.ts",
  "test/store/redis-sentinel.test.ts",
  "test/store/turn-histories.test.ts",
  "test/styles/efakturuj-client.test.ts",
  "test/upstream/hostile-upstreams.test.ts",
];

export default {
  testEnvironment: "node",
  roots: ["<rootDir>/src", "<rootDir>/test"],
  testMatch: ["**/*.test.ts"],
  testPathIgnorePatterns: ["/node_modules/", ...LONG],
  extensionsToTreatAsEsm: [".ts"],
  transform: {
    "\\.ts$": ["@swc/jest", { jsc: { target: "esnext", parser: { syntax: "typescript" } }, module: { type: "es6" } }],
  },
  collectCoverageFrom: ["src/**/*.ts"],
  // Two slow, shared cores: a real process starts in a second there, and conditions are waited for, never times.
  maxWorkers: 2,
  testTimeout: 60_000,
};
