import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import type { ServerResponse } from "node:http";
import { createServer } from "node:net";
import type { AddressInfo, Server } from "node:net";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fromRoot, textOf } from "../docs/named.ts";
import { oncegate } from "./command.ts";

describe("oncegate check", () => {
  test("says that all is well", async () => {
    expect(await oncegate(["check"])).toEqual({
      code: 0,
      said: ["settings and rules are right: create, orders, invoices, default"],
      complained: [],
    });
  });

  test("warns of what may show answers to others, and says that all is well", async () => {
    const rules = 'version: 1\nrules:\n  - { name: a, match: {}, scope: ["body:clientCode"] }';
    const told = await oncegate(["check"], {}, { "rules.yaml": rules });
    expect([told.code, told.complained]).toEqual([
      0,
      [expect.stringContaining("warning: rules.yaml:3:5: rules.0 reads body:clientCode and names no credential")],
    ]);
  });

  test.each(readdirSync(fromRoot("examples/rules")))(
    "has nothing to warn of in %s, as it is published",
    async (file) => {
      const told = await oncegate(["check"], {}, { "rules.yaml": textOf(`examples/rules/${file}`) });
      expect([told.code, told.complained]).toEqual([0, []]);
    },
  );

  test("says what is wrong with the settings and what is wrong with the rules, both", async () => {
    const rules = "version: 1\nrules:\n  - { name: a, match: {}, retenton: 1h }";
    const { code, complained } = await oncegate(["check"], { ONCEGATE_LEASE: "1x" }, { "rules.yaml": rules });
    expect([code, complained]).toEqual([
      2,
      [
        "oncegate cannot start:",
        expect.stringContaining("ONCEGATE_LEASE must be a duration"),
        expect.any(String),
        "rules.yaml:3:27: rules.0 does not know retenton (did you mean retention?)",
      ],
    ]);
  });

  test("says that keys of tokens are none", async () => {
    const told = await oncegate(["check"], { ONCEGATE_JWT_KEYS_FILE: "keys.json" }, { "keys.json": "{}" });
    expect(told).toMatchObject({ code: 2, complained: ["ONCEGATE_JWT_KEYS_FILE holds no JWK Set"] });
  });

  describe("with --connect", () => {
    let folder: string;
    const servers: { close(): unknown }[] = [];
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "oncegate-check-"));
    });
    afterEach(() => {
      for (const server of servers.splice(0)) server.close();
      rmSync(folder, { recursive: true, force: true });
    });
    const portOf = async (server: Server): Promise<number> => {
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      servers.push(server);
      return (server.address() as AddressInfo).port;
    };
    const connect = (env: Record<string, string>) =>
      oncegate(["check", "--connect"], { ONCEGATE_STORE: `sqlite:${join(folder, "a.db")}`, ...env });

    test("asks the store and the API, which is sent nothing", async () => {
      let received = 0;
      const api = createServer((socket) => void socket.on("data", ({ length }) => (received += length)));
      const env = { ONCEGATE_UPSTREAM_URL: `http://127.0.0.1:${await portOf(api)}` };
      expect(await connect(env)).toMatchObject({
        code: 0,
        said: [expect.any(String), "the store: reached", "the API: reached"],
      });
      api.close();
      await once(api, "close");
      expect(await connect(env)).toMatchObject({ code: 1, complained: [expect.stringContaining("ECONNREFUSED")] });
      expect(received).toBe(0);
    });

    test.each<[string, (res: ServerResponse) => void, string[]]>([
      ["keys", (res) => void res.end('{"keys":[]}'), []],
      ["none", (res) => void res.end('{"keys":1}'), ["JSON Web Key Set malformed"]],
      ["a page", (res) => void res.end("<html>"), [`Unexpected token '<', "<html>" is not valid JSON`]],
      ["an error", (res) => void res.writeHead(404).end(), ["Expected 200 OK from the JSON Web Key Set HTTP response"]],
      ["a connection that ends", (res) => void res.socket?.end(), ["other side closed"]],
    ])("fetches the keys of tokens: %s", async (_, answer, why) => {
      const api = `http://127.0.0.1:${await portOf(createServer())}`;
      const provider = `http://127.0.0.1:${await portOf(createHttpServer((__, res) => answer(res)))}/jwks`;
      expect(await connect({ ONCEGATE_UPSTREAM_URL: api, ONCEGATE_JWT_KEYS_URL: provider })).toMatchObject({
        code: why.length,
        complained: why.map((words) => `the keys of tokens cannot be reached: ${words}`),
      });
    });
  });
});
