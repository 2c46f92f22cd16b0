import { afterAll, describe, expect, test } from "@jest/globals";
import { randomUUID } from "node:crypto";
import { PROBLEMS } from "../../src/domain/problem.ts";
import type { ProblemCode } from "../../src/domain/problem.ts";
import { storeFile } from "../e2e/store-file.ts";
import { CERT } from "../support/certificate.ts";
import { openGateway } from "../support/open-gateway.ts";
import type { OpenGateway } from "../support/open-gateway.ts";
import { exchange } from "../support/raw-exchange.ts";
import { until } from "../support/until.ts";
import { LOST, WHOLE } from "./hostile-answers.ts";
import type { Fate, Hostile } from "./hostile-answers.ts";
import { TLS_UPSTREAMS } from "./hostile-tls.ts";
import { startRawUpstream } from "./raw-upstream.ts";
import type { RawUpstream } from "./raw-upstream.ts";

/** An upstream that is hostile in many ways, one after another, and the gateway that has to get along with it. */
type Site = { upstream: RawUpstream; gateway: OpenGateway };

const store = storeFile();
const sites = new Map<string, Site>();
let current: Hostile;
afterAll(async () => {
  for (const { gateway, upstream } of sites.values()) {
    await gateway.close();
    await upstream.close();
  }
  store.remove();
});

async function siteFor({ isHttps, limits = {}, tls }: Hostile): Promise<Site> {
  const kind = JSON.stringify([isHttps, limits, tls]);
  const standing = sites.get(kind);
  if (standing !== undefined) return standing;
  const upstream = await startRawUpstream((...request) => current.act?.(...request), {
    tls,
    greet: (tcp) => current.greet?.(tcp),
  });
  const url = new URL(upstream.url);
  if (isHttps === true) url.protocol = "https:";
  const gateway = await openGateway(
    { ONCEGATE_UPSTREAM_URL: url.href, ONCEGATE_STORE: store.url, ...limits },
    { ca: CERT },
  );
  const site = { upstream, gateway };
  sites.set(kind, site);
  return site;
}

type Got = {
  status: number;
  isReplay: boolean;
  body: string;
  /** Content-Length. */
  length: string | null;
  end: "FIN" | "RST";
  /** Of a problem. */
  code?: unknown;
  reason?: unknown;
};

async function post(gateway: OpenGateway, key: string, body: Buffer): Promise<Got> {
  const {
    head,
    body: bytes,
    end,
  } = await exchange(
    Number(new URL(gateway.url).port),
    "/invoices",
    { "x-idempotency-key": key, "content-type": "application/octet-stream" },
    body,
  );
  const text = bytes.toString("latin1");
  const length = /^content-length: (.+)$/im.exec(head)?.[1] ?? null;
  const problem = /application\/problem\+json/.test(head)
    ? (JSON.parse(text) as { code: unknown; reason: unknown })
    : {};
  return {
    status: Number(head.split(" ")[1]),
    isReplay: /^idempotent-replayed: true$/im.test(head),
    body: text,
    length,
    end,
    ...problem,
  };
}

/** What the client gets, at first and for a retry. */
function answers(fate: Fate): [first: Partial<Got>, retry: Partial<Got>] {
  const refusal = (code: ProblemCode, status: number = PROBLEMS[code].statuses[0]): Partial<Got> => ({
    status,
    code,
    isReplay: false,
    end: "FIN",
  });
  switch (fate.kind) {
    case "completed": {
      const { status, body, length } = fate;
      const answer: Partial<Got> = { status, body, length, end: "FIN" };
      return [
        { ...answer, isReplay: false },
        { ...answer, isReplay: true },
      ];
    }
    case "released":
      return [
        { status: fate.status, isReplay: false },
        { status: fate.status, isReplay: false },
      ];
    case "not-kept":
      return [{ end: "RST" }, refusal("response-not-kept")];
    case "unknown": {
      const { reason } = fate;
      const status = reason === "upstream-silent" ? 504 : 502;
      return [
        { ...refusal("outcome-unknown", status), reason },
        { ...refusal("outcome-unknown", 409), reason },
      ];
    }
    case "never-sent":
      return [refusal("upstream-unreachable"), refusal("upstream-unreachable")];
  }
}

/** What the store keeps. */
function stateOf(fate: Fate): string[] {
  switch (fate.kind) {
    case "completed":
    case "not-kept":
      return ["completed"];
    case "unknown":
      return [`unknown ${fate.reason}`];
    case "released":
    case "never-sent":
      return [];
  }
}

/** How much of each kind keeps this process from ending: sockets, timers, requests under way. */
const resources = (): Map<string, number> =>
  new Map([...Map.groupBy(process.getActiveResourcesInfo(), (kind) => kind)].map(([kind, all]) => [kind, all.length]));

const moreThan = (before: Map<string, number>): string[] =>
  [...resources()].filter(([kind, count]) => count > (before.get(kind) ?? 0)).map(([kind]) => kind);

async function metric(gateway: OpenGateway, name: string): Promise<number> {
  const { body } = await exchange(Number(new URL(gateway.adminUrl).port), "/metrics", {}, "", "GET");
  return Number(new RegExp(`^${name} (.+)$`, "m").exec(body.toString())?.[1]);
}

const HOSTILE: [group: string, rows: Hostile[]][] = [
  ["whose answer is whole", WHOLE],
  ["whose answer is not", LOST],
  ["behind TLS", TLS_UPSTREAMS],
];

describe.each(HOSTILE)("an upstream %s", (_group, rows) => {
  test.each(rows.map((row) => [row.does, row.fate.kind, row] as const))("that %s: %s", async (_does, _kind, row) => {
    current = row;
    const { upstream, gateway } = await siteFor(row);
    upstream.requests.length = upstream.connections = 0;
    const before = { resources: resources(), records: store.states().length };
    const key = randomUUID();
    const body = row.body ?? Buffer.from("{}");
    const [first, retry] = answers(row.fate);
    const isNeverSent = row.fate.kind === "never-sent";
    const times = isNeverSent || row.fate.kind === "released" ? 2 : 1; // that it is executed, or tried
    const seen = row.seen ?? (isNeverSent ? 0 : 1);

    expect(await post(gateway, key, body)).toMatchObject(first);
    expect(upstream.requests).toHaveLength(seen);
    expect(store.states().slice(before.records)).toEqual(stateOf(row.fate));
    expect(await post(gateway, key, body)).toMatchObject(retry);
    expect(upstream.requests).toHaveLength(times * seen);
    expect(upstream.connections).toBeLessThanOrEqual(times * (isNeverSent ? 3 : 1));

    upstream.wake();
    await until("the upstream is let go", () => upstream.openSockets() === 0);
    await until("no timer and no socket is left", () => moreThan(before.resources).length === 0);
    expect([await metric(gateway, "oncegate_buffered_bytes"), await metric(gateway, "oncegate_in_flight")]).toEqual([
      0, 0,
    ]);
  });
});
