import { describe, expect, test } from "@jest/globals";
import { serverOf } from "../../src/store/redis/connect.ts";

describe("a Redis URL", () => {
  test.each([
    ["redis://cache", "cache:6379", { host: "cache", port: 6379, db: 0 }],
    ["redis://127.0.0.1:7000/3", "127.0.0.1:7000", { host: "127.0.0.1", port: 7000, db: 3 }],
    ["redis://cache/", "cache:6379", { db: 0 }],
    ["redis://[::1]:7000", "[::1]:7000", { host: "::1", port: 7000 }],
    ["REDIS://Cache.internal", "Cache.internal:6379", { host: "Cache.internal" }],
    ["redis://:s%40cret%2F@cache", "cache:6379", { password: "s@cret/" }],
    ["redis://gate:pass:word@cache", "cache:6379", { username: "gate", password: "pass:word" }],
    ["rediss://cache", "cache:6379", { tls: {} }],
  ])("%s names one server", (url, place, options) => {
    const server = serverOf(url);
    expect(server.place).toBe(place);
    expect(server.options).toMatchObject(options);
    expect(server.options).not.toHaveProperty("path");
  });

  test("is shown without its credentials", () => {
    expect(serverOf("rediss://gate:s3cret@cache:7000/2").url).toBe("rediss://cache:7000/2");
    expect(serverOf("redis://:s3cret@cache").url).toBe("redis://cache:6379/0");
  });

  test.each([
    ["redis://:s3cret@cache?enableOfflineQueue=true", "without a query"],
    ["redis://:s3cret@cache/0#x", "without a query or fragment"],
    ["redis://:s3cret@one,two", "the form is"],
    ["redis://:s3cret@cache/orders", "the form is"],
    ["redis://:s3cret@cache:99999", "port"],
    ["redis://:s3cret%zz@cache", "%25"],
    ["redis://", "the form is"],
    ["redis://gate@cache", "ONCEGATE_REDIS_PASSWORD"],
    ["http://:s3cret@cache", "redis:// or rediss://"],
    ["s3cret", "redis:// or rediss://"],
    ["redis+sentinel://:s3cret@one,two/name", "redis+sentinel:// is not supported yet"],
    ["redis+cluster://:s3cret@one,two", "redis+cluster:// is not supported yet"],
  ])("%s is refused with a reason, and its password not repeated", (url, reason) => {
    const refusal = refusalOf(url);
    expect(refusal).toContain(reason);
    expect(refusal).not.toContain("s3cret");
  });

  test("names the user whose password stands apart", () => {
    const { options } = serverOf("redis://gate@cache", { password: "p@ss" });
    expect(options).toMatchObject({ username: "gate", password: "p@ss" });
    expect(serverOf("redis://cache", { password: "p@ss" }).options).toMatchObject({ password: "p@ss" });
    expect(() => serverOf("redis://:s3cret@cache", { password: "p@ss" })).toThrow("give one");
  });

  test("takes an authority and a certificate of its own with TLS, and refuses them without", () => {
    const pem = { ca: "CA", cert: "CERT", key: "KEY" };
    expect(serverOf("rediss://cache", pem).options).toMatchObject({ tls: pem });
    expect(() => serverOf("redis://cache", { ca: "CA" })).toThrow("write rediss");
  });

  test("lets nothing wait and nothing be sent twice", () => {
    expect(serverOf("redis://cache").options).toMatchObject({
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      enableAutoPipelining: false,
    });
  });
});

function refusalOf(url: string): string {
  try {
    serverOf(url);
  } catch (error) {
    return String(error);
  }
  return "accepted";
}
