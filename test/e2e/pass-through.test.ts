import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { startGatewayProcess } from "../support/gateway.ts";
import type { GatewayProcess } from "../support/gateway.ts";
import { openRaw, rawAnswer, rawPost, wholeAnswer } from "./raw-bytes.ts";
import { echo, recordingUpstream, valuesOf } from "./recording-upstream.ts";
import type { Echo, RecordingUpstream } from "./recording-upstream.ts";
import { storeFile } from "./store-file.ts";
import type { StoreFile } from "./store-file.ts";
import { until } from "../support/until.ts";

const PIECE = randomBytes(1_048_576);
const PIECES = 64;

let upstream: RecordingUpstream;
let store: StoreFile;
let gateway: GatewayProcess;
beforeAll(async () => {
  upstream = await recordingUpstream();
  store = storeFile();
  gateway = await startGatewayProcess({ ONCEGATE_UPSTREAM_URL: upstream.url, ONCEGATE_STORE: store.url });
});
afterAll(async () => {
  await gateway.kill();
  await upstream.close();
  store.remove();
});
beforeEach(() => {
  upstream.answer = echo;
});

/** From an answer that was read as a character a byte. */
const echoed = (body: string): Echo => JSON.parse(Buffer.from(body, "latin1").toString("utf8")) as Echo;

async function digestOf(message: IncomingMessage): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest("hex") };
}

const SENT = { bytes: PIECES * PIECE.length, sha256: hashOfPieces() };
function hashOfPieces(): string {
  const hash = createHash("sha256");
  for (let i = 0; i < PIECES; i++) hash.update(PIECE);
  return hash.digest("hex");
}

/** Writes the pieces from the second on, no faster than they are taken. */
async function writeTheRest(to: NodeJS.WritableStream): Promise<void> {
  for (let i = 1; i < PIECES; i++) if (!to.write(PIECE)) await once(to, "drain");
  to.end();
}

describe("streams what has no key:", () => {
  test.each(["by its length", "in chunks"])(
    "an upload of 64 MiB %s, whose start arrives before its end is sent",
    async (how) => {
      const arrived = Promise.withResolvers<IncomingMessage>();
      upstream.answer = async (req, res) => {
        arrived.resolve(req);
        const body = JSON.stringify(await digestOf(req));
        res.writeHead(201, { "Content-Length": body.length }).end(body);
      };
      const length = how === "in chunks" ? {} : { "content-length": SENT.bytes };
      const sent = request(`${gateway.url}/upload`, { method: "POST", headers: length });
      const answered = once(sent, "response") as Promise<[IncomingMessage]>;
      sent.write(PIECE);
      const atUpstream = await arrived.promise;
      await until("the first bytes are read there", () => atUpstream.socket.bytesRead > PIECE.length / 2);
      await writeTheRest(sent);
      const [answer] = await answered;
      const body = Buffer.concat(await answer.toArray()).toString();
      expect([answer.statusCode, JSON.parse(body)]).toEqual([201, SENT]);
      expect(store.records()).toBe(0);
    },
  );

  test("a download of 64 MiB, whose start arrives before its end is sent", async () => {
    const started = Promise.withResolvers<void>();
    upstream.answer = async (_req, res) => {
      res.writeHead(200, { "Content-Length": SENT.bytes });
      res.write(PIECE);
      await started.promise;
      await writeTheRest(res);
    };
    const sent = request(`${gateway.url}/download`).end();
    const [answer] = (await once(sent, "response")) as [IncomingMessage];
    await once(answer, "readable");
    started.resolve();
    expect(await digestOf(answer)).toEqual(SENT);
  });
});

test.each(["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "POST"])(
  "%s passes with its target and body as they are",
  async (method) => {
    const path = /^(POST|PATCH)$/.test(method) ? "/invoices/%c3%A4/" : "//invoices//a%2Fb/../%c3%A4"; // the guard's, where keys are read
    const target = `${path}?x=1&x=%20&&y`;
    const body = method === "GET" ? "" : "caf\xe9 \0 {not json";
    const lines = [`${method} ${target} HTTP/1.1`, "Host: gateway", `Content-Length: ${body.length}`, "", body];
    const answer = await rawAnswer(gateway.url, lines.join("\r\n"));
    expect(answer.status).toBe(200);
    expect(echoed(answer.body)).toMatchObject({ method, target, body });
  },
);

test("HEAD passes, and so does an answer without a body", async () => {
  upstream.answer = (req, res) =>
    void res.writeHead(req.method === "HEAD" ? 200 : 204, { "X-Method": req.method }).end();
  const [head, options] = await Promise.all(
    ["HEAD", "OPTIONS"].map((method) => fetch(`${gateway.url}/invoices`, { method })),
  );
  expect([head!.status, head!.headers.get("x-method")]).toEqual([200, "HEAD"]);
  expect([options!.status, options!.headers.get("x-method")]).toEqual([204, "OPTIONS"]);
});

test("a key on a method that accepts none passes on, and twice is twice", async () => {
  let requests = 0;
  upstream.answer = (req, res) => {
    requests++;
    return echo(req, res);
  };
  for (let i = 0; i < 2; i++) {
    const answer = await fetch(`${gateway.url}/invoices/1`, {
      method: "PUT",
      headers: { "x-idempotency-key": "put-1" },
    });
    expect(valuesOf(echoed(await answer.text()), "x-idempotency-key")).toEqual(["put-1"]);
  }
  expect([requests, store.records()]).toEqual([2, 0]);
});

test("repeated headers and Latin-1 bytes pass in both directions", async () => {
  let seenUpstream: Echo | undefined;
  upstream.answer = (req, res) => {
    seenUpstream = { method: "", target: "", rawHeaders: req.rawHeaders, body: "" };
    const head = ["Set-Cookie", "a=1", "X-Name", "caf\xe9", "Set-Cookie", "b=2", "Content-Length", "2"];
    res.writeHead(200, head).end(Buffer.from("ok"));
  };
  const lines = ["X-Note: first", "X-Name: Jos\xe9", "X-Note: second", "Content-Length: 0"];
  const answer = await rawAnswer(gateway.url, rawPost(lines));
  expect(valuesOf(seenUpstream!, "x-note")).toEqual(["first", "second"]);
  expect(valuesOf(seenUpstream!, "x-name")).toEqual(["Jos\xe9"]);
  expect(answer.headers.get("set-cookie")).toEqual(["a=1", "b=2"]);
  expect(answer.headers.get("x-name")).toEqual(["caf\xe9"]);
  expect(answer.headers.get("via")).toEqual(["1.1 oncegate"]);
});

test.each(["by its length", "in chunks"])("an answer %s that the upstream cuts is reset, never whole", async (how) => {
  upstream.answer = (_req, res) => {
    res.writeHead(200, how === "in chunks" ? {} : { "Content-Length": 1_000 });
    res.write("a part of the answer", () => setImmediate(() => res.socket?.resetAndDestroy()));
  };
  const connection = await openRaw(gateway.url);
  connection.send(rawPost(["Content-Length: 0"]));
  expect(await connection.ended).toBe("RST");
  expect(connection.received()).not.toMatch(/\r\n0\r\n\r\n|Error/);
});

test("a client that leaves ends the upstream's call", async () => {
  const called = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<string>();
  upstream.answer = (_req, res) => {
    called.resolve();
    res.once("close", () => ended.resolve(res.writableFinished ? "answered" : "ended"));
  };
  const leaving = new AbortController();
  const left = fetch(`${gateway.url}/slow`, { signal: leaving.signal }).catch((error: Error) => error.name);
  await called.promise;
  leaving.abort();
  expect([await left, await ended.promise]).toEqual(["AbortError", "ended"]);
});

test("an upstream that has gone is a 503 problem, although an idle connection to it stood", async () => {
  const gone = await recordingUpstream();
  const own = storeFile();
  const before = await startGatewayProcess({ ONCEGATE_UPSTREAM_URL: gone.url, ONCEGATE_STORE: own.url });
  try {
    const connection = await openRaw(before.url);
    connection.send(rawPost(["Content-Length: 0"]));
    const echoing = await until("an answer", () => wholeAnswer(connection.received()));
    expect(echoing.status).toBe(200);
    await gone.close();
    const answer = await fetch(`${before.url}/invoices`);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([503, "application/problem+json"]);
    expect(await answer.json()).toMatchObject({ code: "upstream-unreachable", retryable: true });
    connection.socket.destroy();
  } finally {
    await before.kill();
    own.remove();
  }
});
