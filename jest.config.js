export default {
  testEnvironment: "node",
  roots: ["<rootDir>/src", "<rootDir>/test"],
  testMatch: ["**/*.test.ts"],
  extensionsToTreatAsEsm: [".ts"],
  transform: {
    "\\.ts$": ["@swc/jest", { jsc: { target: "esnext", parser: { syntax: "typescript" } }, module: { type: "es6" } }],
  },
  collectCoverageFrom: ["src/**/*.ts"],
  // Two slow, shared cores: a real process starts in a second there, and conditions are waited for, never times.
  maxWorkers: 2,
  testTimeout: 60_000,
};
