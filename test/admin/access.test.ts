import type { IncomingMessage } from "node:http";
import { expect, test } from "@jest/globals";
import { operatorAccess } from "../../src/admin/access.ts";

const asked = (remoteAddress: string, headers: Record<string, string>): IncomingMessage =>
  ({ headers, socket: { remoteAddress } }) as unknown as IncomingMessage;

test.each([
  ["127.0.0.1", "127.0.0.1:9090", "allowed"],
  ["127.0.0.1", "localhost:9090", "allowed"],
  ["::1", "[::1]:9090", "allowed"],
  ["::ffff:127.0.0.1", "127.0.0.1", "allowed"],
  ["10.0.0.7", "10.0.0.1:9090", "forbidden"],
  ["10.0.0.7", "localhost:9090", "forbidden"],
  ["127.0.0.1", "rebound.example:9090", "forbidden"],
  ["127.0.0.1", "127.0.0.1.rebound.example", "forbidden"],
  ["127.0.0.1", "", "forbidden"],
])("without a token, a caller at %s who asks for %s is %s", (address, host, expected) => {
  expect(operatorAccess(undefined)(asked(address, { host }))).toBe(expected);
});

test.each([
  ["Bearer the-right-token-1", "allowed"],
  ["bearer the-right-token-1", "allowed"],
  ["Bearer the-right-token-2", "forbidden"],
  ["Bearer ", "forbidden"],
  ["the-right-token-1", "forbidden"],
])("with a token, %j is %s from anywhere", (authorization, expected) => {
  const access = operatorAccess("the-right-token-1");
  expect(access(asked("10.0.0.7", { authorization }))).toBe(expected);
  expect(access(asked("127.0.0.1", { host: "localhost", authorization }))).toBe(expected);
});
