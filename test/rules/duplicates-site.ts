import { afterEach, beforeEach } from "@jest/globals";
import { startHeldUpstream } from "../support/held-upstream.ts";
import type { HeldUpstream } from "../support/held-upstream.ts";
import { send, untilReady } from "../support/installation.ts";
import type { Answer } from "../support/installation.ts";
import { openGateway } from "../support/open-gateway.ts";
import type { OpenGateway } from "../support/open-gateway.ts";
import type { TestStore } from "../support/test-store.ts";

const FIELDS = ["body:customer", "body:number", "body:total"];
const ALIKE = { customer: "Ä & Co", number: "2026-17", total: 10.5 };

type Asked = {
  key?: string | undefined;
  /** Fields of the body that are not as all others'. */
  differing?: object;
  headers?: Record<string, string>;
  path?: string;
};

/** Two gateways on one store, with a rule that eliminates duplicates, in front of an upstream that is held. */
export type DuplicatesSite = {
  store: TestStore;
  held: HeldUpstream;
  gateways: OpenGateway[];
  /** Opens the gateways, instead of those that are open. `action`: replay, but for what is said. */
  withRule: (action?: string, more?: object, rule?: object) => Promise<void>;
  /** Asks for the same invoice as all others do, under a name of its own for the upstream. */
  ask: (gateway: 0 | 1, name: string, asked?: Asked) => Promise<Answer>;
  /** As `ask`, and the upstream makes it. */
  made: (gateway: 0 | 1, name: string, asked?: Asked) => Promise<Answer>;
};

/** What says that an answer is an older one, and whose. */
export const sources = ({ headers }: Answer) => [headers.get("idempotent-replayed"), headers.get("idempotency-source")];

/** A new one for each test, closed behind it. */
export function duplicatesSite(start: () => Promise<TestStore>): DuplicatesSite {
  const close = async (): Promise<void> => {
    await Promise.all(site.gateways.map((gateway) => gateway.close()));
    site.gateways = [];
  };
  const site = {
    async withRule(action = "replay", more = {}, rule = {}) {
      await close();
      // oxlint-disable-next-line unicorn/no-thenable -- the rules file's own word, and no function
      const duplicates = { fields: FIELDS, then: action, ...more };
      const own = {
        name: "invoices",
        match: { path: "/invoices" },
        outcome: { release: [{ status: [422] }] },
        duplicates,
        ...rule,
      };
      const rules = JSON.stringify({ version: 1, rules: [own] });
      const settings = { ONCEGATE_UPSTREAM_URL: site.held.url, ONCEGATE_STORE: site.store.url };
      site.gateways = [await openGateway(settings, { rules }), await openGateway(settings, { rules })];
      await Promise.all(site.gateways.map(untilReady));
    },
    ask: (gateway, name, { key, differing = {}, headers = {}, path = "/invoices" } = {}) =>
      send(site.gateways[gateway]!.url + path, {
        headers: {
          "content-type": "application/json",
          authorization: "Bearer a",
          "x-test": name,
          ...(key === undefined ? {} : { "idempotency-key": key }),
          ...headers,
        },
        body: JSON.stringify({ ...ALIKE, note: name, ...differing }),
      }),
    async made(gateway, name, asked) {
      const answer = site.ask(gateway, name, asked);
      (await site.held.arrived(name)).created({ made: name });
      return answer;
    },
  } as DuplicatesSite;
  beforeEach(async () => {
    [site.store, site.held, site.gateways] = [await start(), await startHeldUpstream(), []];
  });
  afterEach(async () => {
    await close();
    await site.held.close();
    await site.store.destroy();
  });
  return site;
}
