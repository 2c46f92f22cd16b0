import { describe, expect, test } from "@jest/globals";
import { randomBytes } from "node:crypto";
import { loadSettings } from "../../src/config/load.ts";

const UPSTREAM = { ONCEGATE_UPSTREAM_URL: "http://127.0.0.1:3001/api" };
const noFile = (path: string): string => {
  throw new Error(`no such file: ${path}`);
};
const load = (env: Record<string, string>, readFile = noFile) => loadSettings({ ...UPSTREAM, ...env }, readFile);
const settingsOf = (env: Record<string, string>, readFile = noFile) => {
  const loaded = load(env, readFile);
  if (loaded.kind !== "settings") throw new Error(loaded.message);
  return loaded;
};
const refusalOf = (env: Record<string, string>, readFile = noFile): string => {
  const loaded = load(env, readFile);
  return loaded.kind === "refused" ? loaded.message : "accepted";
};

describe("settings", () => {
  test("have the defaults of the design", () => {
    expect(settingsOf({}).settings).toMatchObject({
      ONCEGATE_LISTEN: { host: "0.0.0.0", port: 8080 },
      ONCEGATE_STORE: "sqlite:./data/oncegate.db",
      ONCEGATE_KEY_HEADERS: ["x-idempotency-key", "idempotency-key"],
      ONCEGATE_RETENTION: 86_400_000,
      ONCEGATE_UNKNOWN_RETENTION: 2_592_000_000,
      ONCEGATE_MAX_REQUEST_BODY: 33_554_432,
      ONCEGATE_LEASE: 15_000,
      ONCEGATE_ADMIN_LISTEN: { host: "127.0.0.1", port: 9090 },
    });
  });

  test("say what is missing and how to try the demo", () => {
    const loaded = loadSettings({}, noFile);
    expect(loaded).toMatchObject({
      kind: "refused",
      message: expect.stringMatching(/UPSTREAM_URL is missing.*npm run demo/),
    });
  });

  test("refuse a mistyped name and give the nearest right one", () => {
    expect(refusalOf({ ONCEGATE_RETENTOIN: "24h" })).toContain(
      "ONCEGATE_RETENTOIN is not a setting; did you mean ONCEGATE_RETENTION?",
    );
    expect(refusalOf({ ONCEGATE_LEASE_FILE: "/x" })).toContain("ONCEGATE_LEASE_FILE is not a setting");
  });

  test("ignore what Kubernetes injects for a Service of that name, and for one that comes with it", () => {
    const injected = {
      ONCEGATE_SERVICE_HOST: "10.0.0.1",
      ONCEGATE_PORT: "tcp://10.0.0.1:80",
      ONCEGATE_PORT_80_TCP: "x",
      ONCEGATE_REDIS_MASTER_SERVICE_HOST: "10.0.0.2",
      ONCEGATE_REDIS_MASTER_SERVICE_PORT_TCP_REDIS: "6379",
      ONCEGATE_REDIS_MASTER_PORT: "tcp://10.0.0.2:6379",
      ONCEGATE_REDIS_MASTER_PORT_6379_TCP_ADDR: "10.0.0.2",
    };
    expect(settingsOf(injected).settings.ONCEGATE_LISTEN.port).toBe(8080);
    expect(refusalOf({ ONCEGATE_REDIS_PORT: "6379" })).toContain("ONCEGATE_REDIS_PORT is not a setting");
  });

  test("say all that is wrong in one message", () => {
    const message = refusalOf({
      ONCEGATE_LEASE: "soon",
      ONCEGATE_LISTEN: "8080",
      ONCEGATE_RETENTION: "24",
      ONCEGATE_METHODS: "POST,GET",
      ONCEGATE_RELEASE_STATUSES: "400-",
      ONCEGATE_SCOPE: "cookie:x",
    });
    for (const name of ["LEASE", "LISTEN", "RETENTION", "METHODS", "RELEASE_STATUSES", "SCOPE"])
      expect(message).toContain(`- ONCEGATE_${name} must`);
  });

  test.each([
    ["ONCEGATE_LEASE", "61s", "must be between 1s and 60s"],
    ["ONCEGATE_LEASE", "999ms", "must be between 1s and 60s"],
    ["ONCEGATE_UPSTREAM_TIMEOUT", "24h", "accepted"],
    ["ONCEGATE_UNKNOWN_RETENTION", "1h", "must be between 2h and 365d"],
    ["ONCEGATE_KEY_MAX_LENGTH", "0", "must be between 1 and 1024"],
    ["ONCEGATE_MAX_STORED_RESPONSE", "1gb", "must be between 1kb and 256mb"],
    ["ONCEGATE_TRUSTED_PROXIES", "10.0.0.0/8, ::1,192.168.0.1/32", "accepted"],
    ["ONCEGATE_TRUSTED_PROXIES", "10.0.0.0/33", "must be addresses or networks, 10.0.0.0/8 for instance"],
    ["ONCEGATE_TRUSTED_PROXIES", "10.0.0.0/", "must be addresses or networks"],
    ["ONCEGATE_TRUSTED_PROXIES", "::1,abc.de", "must be addresses or networks"],
    ["ONCEGATE_UPSTREAM_URL", "ftp://x", "must be an http or https URL"],
    ["ONCEGATE_UPSTREAM_URL", "http://user:secret@x", "must be an http or https URL without user"],
    ["ONCEGATE_STORE", "postgres://x", "must start with sqlite:"],
    ["ONCEGATE_MODE", "observed", "must be enforce or observe"],
    ["ONCEGATE_WORKERS", "65", "must be between 1 and 64"],
    ["ONCEGATE_ADMIN_TOKEN", "short", "at least 16 characters"],
  ])("refuse %s=%s", (name, text, reason) => {
    expect(refusalOf({ [name]: text })).toContain(reason);
  });

  test("refuse records that would expire while their operation runs", () => {
    const times = { ONCEGATE_UPSTREAM_TIMEOUT: "24h", ONCEGATE_UNKNOWN_RETENTION: "24h" };
    expect(refusalOf(times)).toContain("ONCEGATE_UNKNOWN_RETENTION must be at least an hour longer");
    expect(refusalOf({ ...times, ONCEGATE_UNKNOWN_RETENTION: "25h" })).toBe("accepted");
  });

  describe("for encryption", () => {
    const [a, b] = [randomBytes(32), randomBytes(32)];
    const [textA, textB] = [a.toString("base64"), b.toString("base64url")];
    const keysOf = (text: string) => settingsOf({ ONCEGATE_ENCRYPTION_KEYS: text }).settings.ONCEGATE_ENCRYPTION_KEYS;

    test("are keys in their order, from a variable or a file, one a line or separated by commas", () => {
      expect(settingsOf({}).settings.ONCEGATE_ENCRYPTION_KEYS).toBeUndefined();
      expect(keysOf(textA)).toEqual([a]);
      expect(keysOf(` ${textB} , clear,${textA}`)).toEqual([b, "clear", a]);
      const { settings } = settingsOf({ ONCEGATE_ENCRYPTION_KEYS_FILE: "/keys" }, () => `${textA}\r\n${textB}\n`);
      expect(settings.ONCEGATE_ENCRYPTION_KEYS).toEqual([a, b]);
    });

    test.each([
      ["too short a key", `${textA},${textA.slice(5)}`, "number 2 is not; to make one: openssl rand -base64 32"],
      ["a key in hexadecimal", a.toString("hex"), "number 1 is not"],
      ["an empty place", `${textA},`, "number 2 is not"],
      ["a key twice", `clear,${textB},${b.toString("base64")}`, "number 3 was there before"],
      ["clear twice", `clear,${textB},clear`, "number 3 was there before"],
      ["nothing but clear", "clear", "must have a key besides clear"],
    ])("refuse %s, by its place and never by its text", (_what, text, reason) => {
      const message = refusalOf({ ONCEGATE_ENCRYPTION_KEYS: text });
      expect(message).toContain(reason);
      for (const part of text.split(",").filter((word) => word !== "" && word !== "clear"))
        expect(message).not.toContain(part.slice(0, 8));
    });

    test("refuse an empty file, which must not mean no encryption", () => {
      expect(refusalOf({ ONCEGATE_ENCRYPTION_KEYS_FILE: "/empty" }, () => "\n")).toContain("number 1 is not");
    });
  });

  test("repeat in a refusal what was given", () => {
    expect(refusalOf({ ONCEGATE_RETENTION: "24" })).toContain(
      '- ONCEGATE_RETENTION must be a duration: a number and one of ms, s, m, h, d, not "24".',
    );
  });

  test("never repeat a secret's value in a refusal", () => {
    expect(refusalOf({ ONCEGATE_UPSTREAM_URL: "http://user:hunter2@x" })).not.toContain("hunter2");
    expect(refusalOf({ ONCEGATE_STORE: "mysql://root:hunter2@db" })).not.toContain("hunter2");
    expect(refusalOf({ ONCEGATE_ADMIN_TOKEN: "hunter2" })).not.toContain("hunter2");
  });

  test("come with where each value came from, secrets masked", () => {
    const { origins } = settingsOf(
      { PORT: "3000", ONCEGATE_STORE_FILE: "/run/secrets/store", ONCEGATE_LEASE: "20s" },
      () => "redis://:hunter2@db\n",
    );
    expect(origins).toContainEqual({ name: "ONCEGATE_LISTEN", value: "0.0.0.0:3000", from: "PORT" });
    expect(origins).toContainEqual({ name: "ONCEGATE_STORE", value: "(secret)", from: "ONCEGATE_STORE_FILE" });
    expect(origins).toContainEqual({ name: "ONCEGATE_LEASE", value: "20s", from: "ONCEGATE_LEASE" });
    expect(origins).toContainEqual({ name: "ONCEGATE_RETENTION", value: "24h", from: "default" });
    expect(JSON.stringify(origins)).not.toContain("hunter2");
  });

  test("take secrets from files, one of both ways only", () => {
    expect(settingsOf({ ONCEGATE_STORE_FILE: "/s" }, () => "redis://:pw@h\n").settings.ONCEGATE_STORE).toBe(
      "redis://:pw@h",
    );
    expect(refusalOf({ ONCEGATE_STORE_FILE: "/missing" })).toContain(
      "ONCEGATE_STORE_FILE cannot be read: no such file",
    );
    expect(refusalOf({ ONCEGATE_STORE_FILE: "/s", ONCEGATE_STORE: "redis://h" }, () => "redis://h")).toContain(
      "are both given",
    );
  });

  test("let the prefixed name win over the aliases", () => {
    const { settings } = settingsOf({
      PORT: "1",
      ONCEGATE_LISTEN: "127.0.0.1:2",
      REDIS_URL: "redis://a",
      ONCEGATE_STORE: "redis://b",
    });
    expect(settings).toMatchObject({ ONCEGATE_LISTEN: { port: 2 }, ONCEGATE_STORE: "redis://b" });
    expect(settingsOf({ REDIS_URL: "redis://a" }).settings.ONCEGATE_STORE).toBe("redis://a");
  });

  test("demand a store in production", () => {
    expect(refusalOf({ NODE_ENV: "production" })).toContain("ONCEGATE_STORE must be given where NODE_ENV=production");
    settingsOf({ NODE_ENV: "production", ONCEGATE_STORE: "redis://h" });
  });

  test("count an empty value as not given", () => {
    expect(settingsOf({ ONCEGATE_LEASE: "", ONCEGATE_ADMIN_TOKEN: "" }).settings.ONCEGATE_LEASE).toBe(15_000);
  });
});
