import type { ServerResponse } from "node:http";

/** How the end of the body is told: by Content-Length, by chunks, or only by the end of the connection. */
type Framing = "length" | "chunked" | "close";

export type Answer = {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
  readonly framing: Framing;
};

export function json(status: number, value: unknown, headers: Answer["headers"] = []): Answer {
  return bytes(status, "application/json; charset=utf-8", Buffer.from(JSON.stringify(value)), headers);
}

/** An error as RFC 9457 has it; `errors` lists what is wrong with the body, one entry a field. */
export function problem(status: number, title: string, detail: string, errors: readonly FieldError[] = []): Answer {
  const body = { title, status, detail, ...(errors.length > 0 && { errors }) };
  return bytes(status, "application/problem+json", Buffer.from(JSON.stringify(body)));
}

export type FieldError = { readonly field: string; readonly message: string };

export function bytes(status: number, type: string, body: Buffer, headers: Answer["headers"] = []): Answer {
  return { status, headers: [["Content-Type", type], ...headers], body, framing: "length" };
}

export function empty(status: number): Answer {
  return { status, headers: [], body: Buffer.alloc(0), framing: "length" };
}

export function send(response: ServerResponse, answer: Answer): void {
  if (response.destroyed) return;
  writeHead(response, answer);
  if (answer.framing === "chunked") writeChunks(response, slices(answer.body));
  else response.end(answer.body);
}

// Each chunk waits until the one before it has left: Node joins what is written in one tick into a single chunk.
function writeChunks(response: ServerResponse, [first, ...rest]: readonly Buffer[]): void {
  if (first) response.write(first, () => writeChunks(response, rest));
  else response.end();
}

/** Sends the head and half of the body, then resets the connection. Without a body there is only the reset. */
export function cut(response: ServerResponse, answer: Answer): void {
  if (response.destroyed) return;
  if (answer.body.length === 0) {
    reset(response);
    return;
  }
  writeHead(response, answer);
  response.write(answer.body.subarray(0, Math.ceil(answer.body.length / 2)), () => reset(response));
}

export function reset(response: ServerResponse): void {
  response.socket?.resetAndDestroy();
}

// Bodies are always Buffers: with a string, Node writes the head as UTF-8 and corrupts Latin-1 header bytes.
function writeHead(response: ServerResponse, answer: Answer): void {
  const head = answer.headers.flat();
  const correlation = response.req.headers["x-correlationid"];
  if (typeof correlation === "string") head.push("x-correlationId", correlation);
  const mayHaveBody = answer.status !== 204 && answer.status !== 304;
  if (mayHaveBody && answer.framing === "length") head.push("Content-Length", String(answer.body.length));
  if (answer.framing === "close") response.useChunkedEncodingByDefault = false;
  response.writeHead(answer.status, head);
}

function slices(body: Buffer): Buffer[] {
  const size = Math.max(1, Math.ceil(body.length / 3));
  return Array.from({ length: Math.ceil(body.length / size) }, (_, i) => body.subarray(i * size, (i + 1) * size));
}
