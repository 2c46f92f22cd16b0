import { afterEach, describe, expect, test } from "@jest/globals";
import type { Socket } from "node:net";
import { Budget, Share } from "../../src/budget.ts";
import { openUpstream } from "../../src/upstream/execute.ts";
import type { Upstream } from "../../src/upstream/execute.ts";
import type { Execution, UpstreamSettings } from "../../src/upstream/try.ts";
import { CERT, KEY } from "../support/certificate.ts";
import { until } from "../support/until.ts";
import { startRawUpstream } from "./raw-upstream.ts";
import type { RawUpstream } from "./raw-upstream.ts";

const OK = "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok";
const REQUEST = {
  method: "POST",
  target: "/invoices?a=1",
  headers: ["Content-Type", "application/json"],
  body: Buffer.from("{}"),
};

const PERMIT = { maySend: () => true, share: new Share(new Budget(0)) };

let opened: { upstream: Upstream; raw: RawUpstream } | undefined;
afterEach(async () => {
  await opened?.upstream.close();
  await opened?.raw.close();
});

async function open(
  act: (socket: Socket) => void,
  settings: Partial<UpstreamSettings> = {},
): Promise<{ upstream: Upstream; raw: RawUpstream }> {
  const raw = await startRawUpstream(act);
  const defaults = { url: raw.url, ca: undefined, connectTimeoutMs: 2_000, timeoutMs: 10_000, keepBytes: 1_000 };
  opened = { raw, upstream: openUpstream({ ...defaults, ...settings }) };
  return opened;
}

async function executed(
  act: (socket: Socket) => void,
  settings: Partial<UpstreamSettings> = {},
): Promise<{ execution: Execution; raw: RawUpstream }> {
  const { upstream, raw } = await open(act, settings);
  return { execution: await upstream.execute(REQUEST, PERMIT), raw };
}

/** Answers and, once it is written, ends the connection. */
const answerAnd = (text: string, then: "end" | "resetAndDestroy") => (socket: Socket) => {
  socket.write(text, "latin1", () => setImmediate(() => socket[then]()));
};

describe("an execution", () => {
  test("sends the request once, under the base path, and returns the answer with its raw headers", async () => {
    const raw = "HTTP/1.1 201 Created\r\nX-Name: caf\u00e9\r\nx-dup: 1\r\nX-Dup: 2\r\nContent-Length: 2\r\n\r\nok";
    const { upstream, raw: server } = await open((socket) => socket.write(raw, "latin1"));
    const based = openUpstream({
      url: new URL("/base/", server.url),
      ca: undefined,
      connectTimeoutMs: 2_000,
      timeoutMs: 10_000,
      keepBytes: 1_000,
    });
    const execution = await based.execute(REQUEST, PERMIT);
    await based.close();
    await upstream.close();
    expect(execution).toEqual({
      kind: "answered",
      answer: {
        status: 201,
        headers: ["X-Name", "caf\u00e9", "x-dup", "1", "X-Dup", "2", "Content-Length", "2"],
        body: Buffer.from("ok"),
      },
    });
    expect(server.requests).toHaveLength(1);
    expect(server.requests[0]).toMatch(/^POST \/base\/invoices\?a=1 HTTP\/1\.1\r\n/);
    expect(server.requests[0]).toMatch(/\r\n\r\n\{\}$/);
  });

  test.each([
    ["chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200, "ok"],
    ["without a body", "HTTP/1.1 204 No Content\r\n\r\n", 204, ""],
    ["that has none by its status", "HTTP/1.1 304 Not Modified\r\n\r\n", 304, ""],
    [
      "behind 102 and 103",
      `HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${OK}`,
      201,
      "ok",
    ],
    ["with a head of 60 KB", `HTTP/1.1 200 OK\r\nX: ${"a".repeat(60_000)}\r\nContent-Length: 2\r\n\r\nok`, 200, "ok"],
    ["with Connection: close", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", 200, "ok"],
  ])("takes an answer %s as whole", async (_what, text, status, body) => {
    const { execution } = await executed((socket) => socket.write(text));
    expect(execution).toMatchObject({ kind: "answered", answer: { status, body: Buffer.from(body) } });
  });

  test.each<[string, (socket: Socket) => void, string]>([
    ["reset before an answer", (socket) => socket.resetAndDestroy(), "upstream-reset"],
    ["closed before an answer", (socket) => socket.end(), "upstream-reset"],
    ["cut by Content-Length", answerAnd("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "end"), "answer-cut"],
    [
      "cut by Content-Length and reset",
      answerAnd("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "resetAndDestroy"),
      "answer-cut",
    ],
    ["cut in a chunk", answerAnd("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nabc", "end"), "answer-cut"],
    [
      "cut between chunks",
      answerAnd("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "end"),
      "answer-cut",
    ],
    ["cut behind a 103", answerAnd("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", "end"), "upstream-reset"],
    ["cut in its head", answerAnd("HTTP/1.1 200 OK\r\nContent-Le", "end"), "answer-cut"],
    ["malformed", (socket) => socket.write("HTTP/1.1 2x0 OK\r\n\r\n"), "answer-cut"],
    [
      "with a head of 70 KB",
      (socket) => socket.write(`HTTP/1.1 200 OK\r\nX: ${"a".repeat(70_000)}\r\n\r\n`),
      "answer-cut",
    ],
    ["ended by the connection alone", answerAnd("HTTP/1.1 200 OK\r\n\r\nabc", "end"), "answer-unframed"],
    [
      "ended by the connection behind another coding than chunked",
      answerAnd("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\nabc", "end"),
      "answer-unframed",
    ],
    ["ended by a reset alone", answerAnd("HTTP/1.1 200 OK\r\n\r\nabc", "resetAndDestroy"), "answer-unframed"],
  ])("is lost where the answer is %s, and nothing is sent again", async (_what, act, reason) => {
    const { execution, raw } = await executed(act);
    expect(execution).toMatchObject({ kind: "lost", reason });
    expect(raw.requests).toHaveLength(1);
  });

  test.each([
    ["", undefined],
    [" behind TLS", { key: KEY, cert: CERT }],
  ])("is lost where the upstream falls silent, and its connection is reset%s", async (_what, tls) => {
    const seen: string[] = [];
    const closed = Promise.withResolvers<void>();
    const raw = await startRawUpstream(
      (socket) =>
        socket
          .on("error", (error: NodeJS.ErrnoException) => seen.push(error.code ?? ""))
          .on("close", () => closed.resolve()),
      { tls },
    );
    const limits = { connectTimeoutMs: 5_000, timeoutMs: 300, keepBytes: 1_000 };
    opened = { raw, upstream: openUpstream({ url: raw.url, ca: CERT, ...limits }) };
    expect(await opened.upstream.execute(REQUEST, PERMIT)).toMatchObject({ kind: "lost", reason: "upstream-silent" });
    await closed.promise;
    expect(seen).toEqual(["ECONNRESET"]);
  });

  test("sends nothing where the lease is over in the tick of the first byte", async () => {
    const { upstream, raw } = await open((socket) => socket.write(OK));
    let asked = 0;
    const execution = await upstream.execute(REQUEST, { ...PERMIT, maySend: () => (asked++, false) });
    expect([execution, asked]).toMatchObject([{ kind: "never-sent", reason: "lease-over" }, 1]);
    await until("all that was sent is there", () => raw.connections === 1 && raw.openSockets() === 0);
    expect(raw.requests).toEqual([]);
  });

  test("was never sent where the upstream refuses, after two re-tries within two seconds", async () => {
    const { upstream, raw } = await open((socket) => socket.write(OK));
    await raw.close();
    let asked = 0;
    const startedAt = performance.now();
    const execution = await upstream.execute(REQUEST, { ...PERMIT, maySend: () => (asked++, true) });
    expect(execution).toMatchObject({ kind: "never-sent", reason: "unreachable", why: "ECONNREFUSED" });
    expect(asked).toBe(0);
    expect(performance.now() - startedAt).toBeGreaterThan(600);
    opened = undefined;
    await upstream.close();
  });

  test("was never sent where a header cannot be", async () => {
    const { upstream, raw } = await open((socket) => socket.write(OK));
    const execution = await upstream.execute({ ...REQUEST, headers: ["Transfer-Encoding", "gzip"] }, PERMIT);
    expect(execution).toMatchObject({ kind: "never-sent", reason: "unsendable" });
    expect(raw.requests).toEqual([]);
  });

  test("that is abandoned after it was sent is lost", async () => {
    const arrived = Promise.withResolvers<void>();
    const { upstream } = await open(() => arrived.resolve());
    const execution = upstream.execute(REQUEST, PERMIT);
    await arrived.promise;
    upstream.abandon();
    expect(await execution).toMatchObject({ kind: "lost", reason: "shutdown" });
  });
});

describe("an execution that is abandoned before it is connected", () => {
  test("was never sent, nor is any that comes later", async () => {
    const { upstream, raw } = await open(() => {});
    await upstream.close();
    const url = new URL(`https://127.0.0.1:${raw.url.port}`); // where nobody speaks TLS: connecting takes its whole time
    const connecting = openUpstream({
      url,
      ca: undefined,
      connectTimeoutMs: 10_000,
      timeoutMs: 10_000,
      keepBytes: 1_000,
    });
    const execution = connecting.execute(REQUEST, PERMIT);
    await until("a connection", () => raw.connections > 0);
    connecting.abandon();
    expect(await execution).toMatchObject({ kind: "never-sent", reason: "abandoned" });
    expect(await connecting.execute(REQUEST, PERMIT)).toMatchObject({ kind: "never-sent", reason: "abandoned" });
    expect(raw.connections).toBe(1);
    await connecting.close();
  });
});

describe("an answer larger than what is kept", () => {
  const large = "x".repeat(5_000);
  const text = async (execution: Execution): Promise<string> => {
    if (execution.kind !== "overflowed") throw new Error(execution.kind);
    const chunks: Buffer[] = [];
    for await (const chunk of execution.body) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString();
  };

  test.each([
    ["by its length", `HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n${large}`],
    [
      "in chunks",
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1f4\r\n${large.slice(0, 500)}\r\n1194\r\n${large.slice(500)}\r\n0\r\n\r\n`,
    ],
  ])("%s comes whole as a stream", async (_what, answer) => {
    const { execution } = await executed((socket) => socket.write(answer));
    expect(await text(execution)).toBe(large);
  });

  test("breaks off where the upstream cuts it", async () => {
    const { execution } = await executed(answerAnd(`HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n${large}`, "end"));
    await expect(text(execution)).rejects.toThrow("cut");
  });

  test("stops the upstream where nobody reads it", async () => {
    const closed = Promise.withResolvers<void>();
    const { execution } = await executed((socket) => {
      socket.on("close", () => closed.resolve());
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n${large}`);
    });
    if (execution.kind !== "overflowed") throw new Error(execution.kind);
    execution.body.destroy();
    await closed.promise;
    expect(execution.body.destroyed).toBe(true);
  });
});
