import { afterEach, beforeEach } from "@jest/globals";
import { send, untilReady } from "../support/installation.ts";
import type { Answer } from "../support/installation.ts";
import { openGateway } from "../support/open-gateway.ts";
import type { OpenGateway } from "../support/open-gateway.ts";
import type { TestStore } from "../support/test-store.ts";
import { probedApi } from "./probed-api.ts";
import type { Fate, ProbedApi } from "./probed-api.ts";

export const PROBE = {
  request: { path: "/invoices?q={body:invoice_number}", headers: { "x-org": "header:x-org" } },
  found: "/data",
  equals: { "/invoice_number": "body:invoice_number" },
  since: "/created_at",
  status: 201,
};
/** Longer than the default quarantine of 345 s. */
export const QUARANTINE_OVER = 400_000;
export const CREDENTIAL = "Bearer the-secret-of-the-client";

/** `key`: null for none. `more`: further fields. */
type Posting = { authorization?: string; number?: string; key?: string | null; more?: object };

/** An API that is probed, and gateways in front of it; new ones for each test. */
export class ProbedSite {
  api!: ProbedApi;
  store!: TestStore;
  /** The first one. */
  gateway!: OpenGateway;
  #gateways: OpenGateway[] = [];

  constructor(startStore: () => Promise<TestStore>) {
    beforeEach(async () => {
      [this.api, this.store] = await Promise.all([probedApi(), startStore()]);
      this.#gateways = [];
      this.gateway = await this.open();
    });
    afterEach(async () => {
      this.api.letGo();
      await Promise.all(this.#gateways.map((one) => one.close()));
      await this.api.close();
      await this.store.destroy();
    });
  }

  /** One more gateway on the store, whose rule says `rule` besides. */
  async open(rule: object = {}): Promise<OpenGateway> {
    const rules = [{ name: "create", match: { path: "/invoices" }, probe: PROBE, ...rule }];
    const env = { ONCEGATE_UPSTREAM_URL: this.api.url, ONCEGATE_STORE: this.store.url };
    const one = await openGateway(env, { rules: JSON.stringify({ version: 1, rules }) });
    this.#gateways.push(one);
    await untilReady(one);
    return one;
  }

  /** Another process in the place of the first gateway. */
  async restart(): Promise<void> {
    await this.gateway.close();
    this.#gateways = this.#gateways.filter((one) => one !== this.gateway);
    this.gateway = await this.open();
  }

  post(
    at = this.gateway,
    { authorization = CREDENTIAL, number = "2026/7 ä", key = "k", more = {} }: Posting = {},
  ): Promise<Answer> {
    return send(`${at.url}/invoices`, {
      headers: {
        authorization,
        ...(key === null ? {} : { "idempotency-key": key }),
        "content-type": "application/json",
        "x-org": "o1",
      },
      body: JSON.stringify({ invoice_number: number, customer: "Ann", ...more }),
    });
  }

  /** Sends the first request into a reset, after which the API answers again. */
  async lost(fate: Fate, at = this.gateway, posting: Posting = {}): Promise<Answer> {
    this.api.fate = fate;
    const first = await this.post(at, posting);
    if (first.code !== "outcome-unknown") throw new Error(`not unknown, but ${first.status} ${String(first.body)}`);
    this.api.fate = "answers";
    return first;
  }

  async journal(): Promise<unknown> {
    return (await fetch(`${this.gateway.adminUrl}/journal`)).json();
  }
}

export const because = ({ status, code, headers, fields }: Answer) => ({
  told: `${status} ${code}`,
  retryAfter: headers.get("retry-after"),
  detail: fields["detail"],
});
