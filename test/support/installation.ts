import { randomUUID } from "node:crypto";
import { startHeldUpstream } from "./held-upstream.ts";
import type { HeldUpstream } from "./held-upstream.ts";
import { openGateway } from "./open-gateway.ts";
import type { OpenGateway } from "./open-gateway.ts";
import { INVOICE, startSampleApi } from "./sample-api.ts";
import type { SampleApi } from "./sample-api.ts";
import type { TestStore } from "./test-store.ts";
import { until } from "./until.ts";

/** Upstreams, a store and gateways between them, as a site has it; every gateway shares the one store. */
export type Installation = {
  api: SampleApi;
  held: HeldUpstream;
  store: TestStore;
  /** In front of the sample API, with default settings. */
  gateway: OpenGateway;
  /** In front of the held upstream, with default settings. */
  holding: OpenGateway;
  /** Ends what `store.fail` began; resolves when every gateway is ready again. */
  recover(): Promise<void>;
  /** One more gateway, in front of the sample API unless `env` says otherwise; closed with the rest. */
  add(env: Record<string, string>): Promise<OpenGateway>;
  close(): Promise<void>;
};

/** `settings`: of every gateway, where they are not the defaults. */
export async function install(
  startStore: () => Promise<TestStore>,
  settings: Record<string, string> = {},
): Promise<Installation> {
  const [api, held, store] = await Promise.all([startSampleApi(), startHeldUpstream(), startStore()]);
  const gateways: OpenGateway[] = [];
  const add = async (env: Record<string, string>): Promise<OpenGateway> => {
    const gateway = await openGateway({
      ONCEGATE_STORE: store.url,
      ONCEGATE_UPSTREAM_URL: api.url,
      ...settings,
      ...env,
    });
    gateways.push(gateway);
    await untilReady(gateway);
    return gateway;
  };
  return {
    api,
    held,
    store,
    gateway: await add({}),
    holding: await add({ ONCEGATE_UPSTREAM_URL: held.url }),
    add,
    async recover() {
      store.recover();
      await Promise.all(gateways.map(untilReady));
    },
    async close() {
      await Promise.all(gateways.map((gateway) => gateway.close()));
      await Promise.all([api.close(), held.close(), store.destroy()]);
    },
  };
}

/** A gateway may listen before it has reached its store; who balances load asks as here. */
export async function untilReady({ adminUrl }: { adminUrl: string }): Promise<void> {
  await until("the gateway is ready", async () => (await fetch(`${adminUrl}/ready`)).ok);
}

export type Answer = {
  status: number;
  headers: Headers;
  body: Buffer;
  /** Of a problem document; undefined in any other answer. */
  code: string | undefined;
  replayed: boolean;
  fields: Record<string, unknown>;
};

export type Sent = { method?: string; headers?: Record<string, string>; body?: string | Buffer };

export async function send(url: string, { method = "POST", headers = {}, body }: Sent): Promise<Answer> {
  const answer = await fetch(url, {
    method,
    headers,
    ...(body === undefined ? {} : { body: new Uint8Array(Buffer.from(body)) }),
  });
  const bytes = Buffer.from(await answer.arrayBuffer());
  const isJson = /json/.test(answer.headers.get("content-type") ?? "") && bytes.length > 0;
  const fields = isJson ? (JSON.parse(bytes.toString()) as Record<string, unknown>) : {};
  return {
    status: answer.status,
    headers: answer.headers,
    body: bytes,
    code: typeof fields["code"] === "string" ? fields["code"] : undefined,
    replayed: answer.headers.get("idempotent-replayed") === "true",
    fields,
  };
}

/** One invoice to be made, under a number and with a key of its own, sent as often as a test likes. */
export class Order {
  readonly number = randomUUID();
  readonly key = randomUUID();
  readonly #api: SampleApi;

  constructor(api: SampleApi) {
    this.#api = api;
  }

  body(differing: object = {}): string {
    return JSON.stringify({ ...INVOICE, number: this.number, ...differing });
  }

  /** POST /invoices with the order's key, or with what `headers` says of it. */
  post({ url }: { url: string }, { headers = {}, body = this.body() }: Sent = {}): Promise<Answer> {
    const usual = { "content-type": "application/json", "x-idempotency-key": this.key, "x-test": this.key };
    return send(`${url}/invoices`, { headers: { ...usual, ...headers }, body });
  }

  /** The same, with a fault of the sample API's (examples/invoice-api/README.md). */
  postWith(fault: string, gateway: { url: string }): Promise<Answer> {
    return this.post(gateway, { headers: { "x-sample-fault": fault } });
  }

  /** The oracle: how many invoices there are of it. */
  async made(): Promise<number> {
    const answer = await send(`${this.#api.url}/invoices?number=${this.number}`, { method: "GET" });
    return Number(answer.fields["count"]);
  }
}

export const portOf = ({ url }: { url: string }): number => Number(new URL(url).port);
