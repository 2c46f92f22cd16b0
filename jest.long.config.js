import config, { LONG } from "./jest.config.js";

export default {
  ...config,
  testPathIgnorePatterns: ["/node_modules/"],
  testMatch: LONG.map((file) => `<rootDir>/${file}`),
};
