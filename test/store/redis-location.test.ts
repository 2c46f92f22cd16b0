import { describe, expect, test } from "@jest/globals";
import { locate } from "../../src/store/redis/location.ts";

describe("a Redis URL", () => {
  test.each([
    ["redis://cache", "cache:6379", { db: 0 }],
    ["redis://127.0.0.1:7000/3", "127.0.0.1:7000", { db: 3 }],
    ["redis://cache/", "cache:6379", { db: 0 }],
    ["redis://[::1]:7000", "[::1]:7000", {}],
    ["REDIS://Cache.internal", "Cache.internal:6379", {}],
    ["redis://:s%40cret%2F@cache", "cache:6379", { password: "s@cret/" }],
    ["redis://gate:pass:word@cache", "cache:6379", { username: "gate", password: "pass:word" }],
    ["rediss://cache", "cache:6379", { tls: {} }],
  ])("%s names one server", (url, place, options) => {
    const location = locate(url);
    expect(location).toMatchObject({ kind: "single", place, options });
    expect(location.options).not.toHaveProperty("path");
  });

  test("names the Sentinels and what they call the master", () => {
    expect(locate("redis+sentinel://gate:s3cret@one,two:7000,[::1]/orders/2")).toMatchObject({
      kind: "sentinel",
      places: ["one:26379", "two:7000", "[::1]:26379"],
      master: "orders",
      url: "redis+sentinel://one:26379,two:7000,[::1]:26379/orders/2",
      options: { username: "gate", password: "s3cret", db: 2 },
    });
    expect(locate("rediss+sentinel://one/orders")).toMatchObject({ options: { tls: {}, db: 0 } });
  });

  test("names some nodes of a cluster", () => {
    expect(locate("rediss+cluster://:s3cret@one,two:7000")).toMatchObject({
      kind: "cluster",
      places: ["one:6379", "two:7000"],
      url: "rediss+cluster://one:6379,two:7000",
      options: { password: "s3cret", tls: {} },
    });
  });

  test("is shown without its credentials", () => {
    expect(locate("rediss://gate:s3cret@cache:7000/2").url).toBe("rediss://cache:7000/2");
    expect(locate("redis://:s3cret@cache").url).toBe("redis://cache:6379/0");
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
    [
      "redis+sentinel://:s3cret@one,two",
      "the form is redis+sentinel://user:password@host1:26379,host2:26379/master/db",
    ],
    ["redis+sentinel://:s3cret@one,two/orders/x", "the form is redis+sentinel"],
    ["redis+cluster://:s3cret@one,,two", "the form is redis+cluster://user:password@host1:6379,host2:6379"],
    ["redis+cluster://:s3cret@one/1", "no database but 0"],
    ["redis+cluster://:s3cret@one:6379:1", "the form is"],
  ])("%s is refused with a reason, and its password not repeated", (url, reason) => {
    const refusal = refusalOf(url);
    expect(refusal).toContain(reason);
    expect(refusal).not.toContain("s3cret");
  });

  test("names the user whose password stands apart", () => {
    const { options } = locate("redis://gate@cache", { password: "p@ss" });
    expect(options).toMatchObject({ username: "gate", password: "p@ss" });
    expect(locate("redis://cache", { password: "p@ss" }).options).toMatchObject({ password: "p@ss" });
    expect(() => locate("redis://:s3cret@cache", { password: "p@ss" })).toThrow("give one");
  });

  test("takes an authority and a certificate of its own with TLS, and refuses them without", () => {
    const pem = { ca: "CA", cert: "CERT", key: "KEY" };
    expect(locate("rediss://cache", pem).options).toMatchObject({ tls: pem });
    expect(() => locate("redis://cache", { ca: "CA" })).toThrow("write rediss");
  });

  test("lets nothing wait and nothing be sent twice", () => {
    expect(locate("redis://cache").options).toMatchObject({
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      enableAutoPipelining: false,
    });
  });
});

function refusalOf(url: string): string {
  try {
    locate(url);
  } catch (error) {
    return String(error);
  }
  return "accepted";
}
