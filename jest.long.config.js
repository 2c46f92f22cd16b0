import config, { LONG } from "./jest.config.js";

export default {
  ...config,
  testPathIgnorePatterns: ["/node_modules/"],
  testMatch: LONG.map((file) => `<rootDir>/${file}`),
  // Thousands of requests, one after another, or a gibibyte: a slow machine takes minutes for what a quiet one does in seconds.
  testTimeout: 180_000,
};
