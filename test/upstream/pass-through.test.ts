import { afterEach, describe, expect, test } from "@jest/globals";
import { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { answersIn, openRaw, rawPost, wholeAnswer } from "../e2e/raw-bytes.ts";
import type { RawConnection } from "../e2e/raw-bytes.ts";
import { openGateway } from "../support/open-gateway.ts";
import type { OpenGateway } from "../support/open-gateway.ts";
import { until } from "../support/until.ts";
import { startRawUpstream } from "./raw-upstream.ts";
import type { RawUpstream } from "./raw-upstream.ts";
import { inShort, told } from "./told.ts";

let upstream: RawUpstream | undefined;
let gateway: OpenGateway | undefined;
let client: RawConnection | undefined;
afterEach(async () => {
  client?.socket.destroy();
  await gateway?.close();
  await upstream?.close();
});

/** A client that has sent `request` to a gateway in front of an upstream that acts so. */
async function open(act: (socket: Socket) => void, request: string): Promise<RawConnection> {
  upstream = await startRawUpstream(act);
  gateway = await openGateway({ ONCEGATE_UPSTREAM_URL: upstream.url.href });
  return ask(request);
}
async function ask(request: string): Promise<RawConnection> {
  client = await openRaw(gateway!.url);
  client.send(request);
  return client;
}
const GET = "GET /invoices HTTP/1.1\r\nHost: h\r\n\r\n";
const answerTo = (connection: RawConnection) => until("an answer", () => wholeAnswer(connection.received()));
/** Answers and, once it is written, ends the connection. */
const answerAnd = (text: string, then: "end" | "resetAndDestroy") => (socket: Socket) => {
  socket.write(text, "latin1", () => setImmediate(() => socket[then]()));
};

describe("the head of an answer", () => {
  test("passes without what is about the upstream's connection, and nothing is added but Via and a missing Date", async () => {
    const hop =
      "Connection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\nProxy-Authenticate: Basic\r\nTrailer: X-T\r\n";
    const text = `HTTP/1.1 200 Fine\r\nX-A: 1\r\n${hop}x-a: 2\r\nContent-Length: 2\r\n\r\nok`;
    const { head, body } = await answerTo(await open((socket) => socket.write(text), GET));
    const lines = head.split("\r\n").filter((line) => !/^(connection: keep-alive|keep-alive: timeout=75)$/i.test(line));
    expect([lines, body]).toEqual([
      [
        "HTTP/1.1 200 Fine",
        "X-A: 1",
        "x-a: 2",
        "Content-Length: 2",
        "Via: 1.1 oncegate",
        expect.stringMatching(/^Date: .* GMT$/),
      ],
      "ok",
    ]);
  });

  test("passes before there is a body, as events that come later need it", async () => {
    const text = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    const connection = await open((socket) => socket.write(text), GET);
    await until("the head", () => connection.received().includes("\r\n\r\n"));
    expect(connection.received()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });

  test("that no HTTP allows is a 502 problem", async () => {
    const { status, body } = await answerTo(await open((socket) => socket.write("HTTP/1.1 2x0 OK\r\n\r\n"), GET));
    expect([status, JSON.parse(body)]).toMatchObject([502, { code: "outcome-unknown" }]);
  });

  test("that takes an upgrade nobody offered is a 502 problem, and that connection is closed", async () => {
    const text = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";
    const { status, body } = await answerTo(await open((socket) => socket.write(text), GET));
    expect([status, JSON.parse(body)]).toMatchObject([502, { code: "outcome-unknown" }]);
    await until("no connection is left upstream", () => upstream?.openSockets() === 0);
  });
});

test.each([
  ["by its length and reset", "Content-Length: 9\r\n\r\nabc", "resetAndDestroy"],
  ["by its length and closed", "Content-Length: 9\r\n\r\nabc", "end"],
  ["in chunks and reset", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "resetAndDestroy"],
  ["in chunks and closed", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "end"],
] as const)("an answer that is cut %s is reset, never whole", async (_how, rest, then) => {
  const connection = await open(answerAnd(`HTTP/1.1 200 OK\r\n${rest}`, then), GET);
  expect(await connection.ended).toBe("RST");
  expect(connection.received()).not.toMatch(/\r\n0\r\n\r\n/);
});

test("an idle connection to the upstream is closed before the upstream would close it", async () => {
  const ok = "HTTP/1.1 200 OK\r\nKeep-Alive: timeout=60\r\nContent-Length: 2\r\n\r\nok";
  const connection = await open((socket) => socket.write(ok), GET);
  for (const request of [GET, rawPost(["Idempotency-Key: k", "Content-Length: 0"])]) {
    await answerTo(connection);
    await until("no connection is left upstream", () => upstream?.openSockets() === 0);
    const answered = answersIn(connection.received()).length;
    connection.send(request);
    await until("the next answer", () => answersIn(connection.received()).length > answered);
  }
  await until("no connection is left upstream", () => upstream?.openSockets() === 0);
  expect(upstream?.connections).toBe(3);
});

describe("a connection to the upstream that is used again", () => {
  const answer = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const second = async (connection: RawConnection) => {
    connection.send(GET);
    return until("the next answer", () => answersIn(connection.received())[1]);
  };

  test.each(["with", "behind"])("is given up where another answer came %s the first: nobody gets it", async (when) => {
    let asked = 0;
    const connection = await open((socket) => {
      if (++asked > 1) return void socket.write(answer("mine"));
      if (when === "with") return void socket.write(answer("mine") + answer("another's"));
      socket.write(answer("mine"), () => setTimeout(() => socket.write(answer("another's")), 50));
    }, GET);
    await answerTo(connection);
    if (when === "behind") await new Promise((resolve) => setTimeout(resolve, 200));
    expect((await second(connection)).body).toBe("mine");
    expect([upstream?.requests.length, upstream?.connections]).toEqual([2, 2]);
  });

  test.each(["end", "resetAndDestroy"] as const)(
    "is not tried anew where it ends without an answer (%s)",
    async (how) => {
      let asked = 0;
      const connection = await open((socket) => (++asked > 1 ? socket[how]() : socket.write(answer("first"))), GET);
      await answerTo(connection);
      const { status, body } = await second(connection);
      expect([status, JSON.parse(body)]).toMatchObject([
        502,
        { code: "outcome-unknown", detail: expect.stringContaining("only reads") },
      ]);
      expect([upstream?.requests.length, upstream?.connections]).toEqual([2, 1]);
    },
  );
});

describe("interim answers", () => {
  const hints =
    "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nX-A: Jos\xe9\r\nConnection: X-Hop\r\nX-Hop: 1\r\n\r\n";
  const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  const passing = (version: string) =>
    open(
      (socket) => socket.write(hints + hints + ok, "latin1"),
      `GET / HTTP/${version}\r\nHost: h\r\nConnection: close\r\n\r\n`,
    );

  test("pass as they are, with Via, where Node can send them", async () => {
    const telling = await told(await passing("1.1"));
    const lines = ["Link: </a>; rel=preload", "X-A: Jos\xe9", "Via: 1.1 oncegate"];
    const canSend = "writeInformation" in ServerResponse.prototype;
    expect(telling.interim).toMatchObject(
      canSend ? [{ statusLine: "HTTP/1.1 103 Early Hints", lines }, { lines }] : [],
    );
    expect(inShort(telling)).toBe(canSend ? "103 103 200 ok" : "200 ok");
  });

  test("end here for a client of HTTP/1.0, who does not know them", async () => {
    expect(inShort(await told(await passing("1.0")))).toBe("200 ok");
  });
});

test("trailers of an answer pass, but for those that cannot stand there", async () => {
  const text =
    "HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: \xe9\r\nSet-Cookie: a=1\r\nx-sum: 2\r\n\r\n";
  const request = GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
  const { answer } = await told(await open((socket) => socket.write(text, "latin1"), request));
  expect(answer).toMatchObject({ body: "ok", trailers: ["X-Sum: \xe9", "x-sum: 2"], isWhole: true });
});

describe("server-sent events", () => {
  const head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream;charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n";
  test("pass one by one, and may be silent for longer than another answer may", async () => {
    let far: Socket | undefined;
    upstream = await startRawUpstream((socket) => {
      far = socket;
      socket.write(head);
    });
    gateway = await openGateway({ ONCEGATE_UPSTREAM_URL: upstream.url.href, ONCEGATE_UPSTREAM_TIMEOUT: "1s" });
    const connection = await ask(GET);
    await until("the head", () => connection.received().endsWith("\r\n\r\n"));
    for (const [data, silentMs] of [
      ["one", 0],
      ["two", 1_500],
    ] as const) {
      await new Promise((resolve) => setTimeout(resolve, silentMs));
      far!.write(`b\r\ndata: ${data}\n\n\r\n`);
      await until(data, () => connection.received().endsWith(`data: ${data}\n\n\r\n`));
    }
    connection.socket.destroy();
    await until("no connection is left upstream", () => upstream?.openSockets() === 0);
    expect(upstream?.requests).toHaveLength(1);
  });
});

test.each([
  ["/base", "/"],
  ["/base/", "//x?/"],
  ["/base", "/?a"],
])("the base path %s stands before %s", async (base, target) => {
  upstream = await startRawUpstream((socket) => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
  gateway = await openGateway({ ONCEGATE_UPSTREAM_URL: new URL(base, upstream.url).href });
  await answerTo(await ask(GET.replace("/invoices", target)));
  expect(upstream.requests[0]).toMatch(`GET /base${target} HTTP/1.1\r\n`);
});
