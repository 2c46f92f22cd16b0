import { INVOICE } from "../support/sample-api.ts";

/** What a client saw of an answer. */
export type Seen = {
  status: number;
  headers: Headers;
  text: string;
  /** The problem's code, where it is one of the gateway's own. */
  code: string | undefined;
  isReplay: boolean;
};

export type Post = {
  path?: string;
  /** For x-sample-fault. */
  fault?: string;
  headers?: Record<string, string>;
  body?: string;
  signal?: AbortSignal;
};

/** Creates an invoice through the gateway, as a client does that can retry. */
export async function post(gatewayUrl: string, key: string | undefined, options: Post = {}): Promise<Seen> {
  const { path = "/invoices", fault, headers = {}, body = JSON.stringify(INVOICE), signal } = options;
  const answer = await fetch(gatewayUrl + path, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: "Bearer customer-1",
      ...(key === undefined ? {} : { "x-idempotency-key": key }),
      ...(fault === undefined ? {} : { "x-sample-fault": fault }),
      ...headers,
    },
    body,
    ...(signal === undefined ? {} : { signal }),
  });
  return seen(answer);
}

export async function seen(answer: Response): Promise<Seen> {
  const text = await answer.text();
  const isProblem = answer.headers.get("content-type") === "application/problem+json";
  const code = isProblem ? (JSON.parse(text) as { code?: unknown }).code : undefined;
  return {
    status: answer.status,
    headers: answer.headers,
    text,
    code: typeof code === "string" ? code : undefined,
    isReplay: answer.headers.get("idempotent-replayed") === "true",
  };
}

/** Status and code of a readiness or liveness page, and what it says. */
export async function page(adminUrl: string, path: string): Promise<{ status: number; text: string }> {
  const answer = await fetch(adminUrl + path);
  return { status: answer.status, text: await answer.text() };
}
