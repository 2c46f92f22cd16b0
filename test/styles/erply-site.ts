import { afterEach, beforeEach } from "@jest/globals";
import { readFileSync } from "node:fs";
import { send, untilReady } from "../support/installation.ts";
import type { Answer } from "../support/installation.ts";
import { openGateway } from "../support/open-gateway.ts";
import type { OpenGateway } from "../support/open-gateway.ts";
import type { TestStore } from "../support/test-store.ts";
import { startErply } from "./erply-backend.ts";
import type { ErplyBackend } from "./erply-backend.ts";

export const ERPLY_RULES = new URL("../../examples/rules/erply.yaml", import.meta.url);

/** Two gateways with the rule file as it is published, on one store, in front of such an API. */
export type ErplySite = {
  store: TestStore;
  erply: ErplyBackend;
  gateways: OpenGateway[];
  /** Opens the gateways, with the rule file as it is or as a test changes it. */
  open: (alter?: (rules: string) => string) => Promise<void>;
  /** A form, or JSON, to the one URL; the tenant and a session are in it unless they are given. */
  call: (gateway: 0 | 1, fields: Record<string, string>, how?: How) => Promise<ErplyAnswer>;
};

type How = { headers?: Record<string, string>; isJson?: boolean };

export type ErplyAnswer = Answer & {
  /** Of the envelope; undefined where the answer has none. */
  errorCode: number | undefined;
  records: Record<string, unknown>[];
};

let sessions = 0;
/** They change all the time. */
const aSession = (): string => `session-${++sessions}`;

/** `url`: of a gateway. */
export async function callErply(
  url: string,
  given: Record<string, string>,
  { headers = {}, isJson = false }: How = {},
): Promise<ErplyAnswer> {
  const fields = { clientCode: "400", sessionKey: aSession(), ...given };
  const type = isJson ? "application/json" : "application/x-www-form-urlencoded";
  const body = isJson ? JSON.stringify(fields) : new URLSearchParams(fields).toString();
  const answer = await send(`${url}/api/`, { headers: { "content-type": type, ...headers }, body });
  const { status, records } = answer.fields as { status?: { errorCode?: number }; records?: ErplyAnswer["records"] };
  return { ...answer, errorCode: status?.errorCode, records: records ?? [] };
}

/** A new one for each test, closed behind it. */
export function erplySite(start: () => Promise<TestStore>): ErplySite {
  const site = {
    async open(alter = (rules) => rules) {
      const rules = alter(readFileSync(ERPLY_RULES, "utf8"));
      const env = { ONCEGATE_UPSTREAM_URL: site.erply.url, ONCEGATE_STORE: site.store.url };
      site.gateways = [await openGateway(env, { rules }), await openGateway(env, { rules })];
      await Promise.all(site.gateways.map(untilReady));
    },
    call: (gateway, fields, how) => callErply(site.gateways[gateway]!.url, fields, how),
  } as ErplySite;
  beforeEach(async () => {
    [site.store, site.erply, site.gateways] = [await start(), await startErply(), []];
  });
  afterEach(async () => {
    await Promise.all(site.gateways.map((gateway) => gateway.close()));
    await site.erply.close();
    await site.store.destroy();
  });
  return site;
}
