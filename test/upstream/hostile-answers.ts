import type { Socket } from "node:net";
import type { UnknownReason } from "../../src/domain/record.ts";
import type { RawOptions } from "./raw-upstream.ts";

/** What must become of an operation. */
export type Fate =
  /** The client has this answer, with this Content-Length, the record keeps it, a retry gets it again. */
  | { kind: "completed"; status: number; body: string; length: string | null }
  /** The client has this status of the upstream's, nothing is kept, a retry executes. */
  | { kind: "released"; status: number }
  /** The client has a broken connection, a retry is told where the result is. */
  | { kind: "not-kept" }
  /** 504 where the upstream fell silent, else 502; a retry is told that nobody knows. */
  | { kind: "unknown"; reason: UnknownReason }
  /** 503, the upstream has seen no request, a retry tries again. */
  | { kind: "never-sent" };

/** What an upstream does with a request, or with a connection, and what must become of the operation. */
export type Hostile = RawOptions & {
  does: string;
  act?: (socket: Socket, request: string, tcp: Socket) => void;
  fate: Fate;
  /** Reached by https although it has no `tls`: `greet` is all that it does. */
  isHttps?: true;
  /** How often it has seen the operation whole, where that is not once; its retry apart. */
  seen?: number;
  /** Of the request. */
  body?: Buffer;
  /** Settings under which its time is over soon. */
  limits?: Record<string, string>;
};

type Act = NonNullable<Hostile["act"]>;

/** Writes and, once that has left, ends the connection with a FIN or a reset. */
export const says =
  (text: string, then?: "FIN" | "RST"): Act =>
  (socket) => {
    socket.write(text, "latin1", () => {
      if (then !== undefined) setImmediate(() => (then === "FIN" ? socket.end() : socket.resetAndDestroy()));
    });
  };

/** Writes something again and again until the connection is gone. */
const repeats =
  (start: string, text: string): Act =>
  (socket) => {
    socket.write(start);
    const drip = setInterval(() => socket.write(text), 50);
    socket.once("close", () => clearInterval(drip));
  };

export const completed = (status: number, body: string, length: string | null = String(body.length)): Fate => ({
  kind: "completed",
  status,
  body,
  length,
});
export const unknown = (reason: UnknownReason): Fate => ({ kind: "unknown", reason });
export const NEVER_SENT: Fate = { kind: "never-sent" };
const SOON = { ONCEGATE_UPSTREAM_TIMEOUT: "1s" };

const OK = "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok";
const HEAD = "HTTP/1.1 200 OK\r\n";
const CHUNKED = `${HEAD}Transfer-Encoding: chunked\r\n\r\n`;
const LARGE = Buffer.alloc(16_000_000, "x"); // more than the buffers of both ends of a connection hold

export const WHOLE: Hostile[] = [
  { does: "answers and resets", act: says(OK, "RST"), fate: completed(201, "ok") },
  { does: "answers and closes", act: says(OK, "FIN"), fate: completed(201, "ok") },
  { does: "answers twice in one packet", act: says(OK + OK), fate: completed(201, "ok") },
  { does: "sends bytes behind its answer", act: says(`${OK}\r\n\r\ngarbage`), fate: completed(201, "ok") },
  {
    does: "floods with interim answers first",
    act: says("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(2_000) + OK),
    fate: completed(201, "ok"),
  },
  { does: "sends blank lines first", act: says(`\r\n\r\n${OK}`), fate: completed(201, "ok") },
  {
    does: "answers in packets of one byte",
    act: (socket) => {
      const bytes = Buffer.from(`${HEAD}Content-Length: 5\r\n\r\nhello`);
      for (const [i] of bytes.entries()) setImmediate(() => socket.write(bytes.subarray(i, i + 1)));
    },
    fate: completed(200, "hello"),
  },
  {
    does: "answers in chunks of one byte",
    act: says(`${CHUNKED}${"1\r\nx\r\n".repeat(5_000)}0\r\n\r\n`),
    fate: completed(200, "x".repeat(5_000)),
  },
  { does: "adds trailers", act: says(`${CHUNKED}2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n`), fate: completed(200, "ok") },
  { does: "adds chunk extensions", act: says(`${CHUNKED}2;a=b\r\nok\r\n0;c\r\n\r\n`), fate: completed(200, "ok") },
  {
    does: "answers with a head of 60 KB",
    act: says(`${HEAD}X: ${"a".repeat(60_000)}\r\nContent-Length: 2\r\n\r\nok`),
    fate: completed(200, "ok"),
  },
  { does: "answers HTTP/1.0", act: says("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"), fate: completed(200, "ok") },
  { does: "answers 999", act: says("HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\nok"), fate: completed(999, "ok") },
  {
    does: "answers 204 with a body",
    act: says(`HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok`),
    fate: completed(204, "", null),
  },
  {
    does: "answers 204 in chunks",
    act: says("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
    fate: completed(204, "", null),
  },
  {
    does: "answers 205",
    act: says("HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n"),
    fate: completed(205, ""),
  },
  {
    does: "answers 304, as if it had been asked with GET",
    act: says("HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n"),
    fate: completed(304, "", "100"),
  },
  {
    does: "codes its body and cuts what was to be coded, not the message",
    act: says(`${HEAD}Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00`),
    fate: completed(200, "\x1f\x8b\x08\x00"),
  },
  {
    does: "refuses before the request is whole, and takes no more of it",
    greet: (tcp) => {
      tcp.once("data", () => {
        tcp.pause();
        tcp.write("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno");
      });
    },
    body: LARGE,
    seen: 0,
    fate: { kind: "released", status: 413 },
  },
  {
    does: "announces more than is kept, and cuts it",
    act: says(`${HEAD}Content-Length: 9007199254740993\r\n\r\nok`, "FIN"),
    fate: { kind: "not-kept" },
  },
];

/** Broken off, or not HTTP: executed, perhaps. */
const CUT: [does: string, text: string, then?: "FIN" | "RST"][] = [
  ["cuts its head", "HTTP/1.1 200 OK\r\nContent-Le", "FIN"],
  ["resets in its head", "HTTP/1.1 200 OK\r\nContent-Le", "RST"],
  ["cuts a body with a length", `${HEAD}Content-Length: 9\r\n\r\nabc`, "FIN"],
  ["resets in a body with a length", `${HEAD}Content-Length: 9\r\n\r\nabc`, "RST"],
  ["cuts a chunk", `${CHUNKED}9\r\nabc`, "FIN"],
  ["cuts between chunks", `${CHUNKED}3\r\nabc\r\n`, "FIN"],
  ["cuts before the end of its last chunk", `${CHUNKED}3\r\nabc\r\n0\r\n`, "FIN"],
  ["resets between chunks", `${CHUNKED}3\r\nabc\r\n`, "RST"],
  ["cuts a coded body", `${HEAD}Content-Encoding: gzip\r\nContent-Length: 20\r\n\r\n\x1f\x8b\x08\x00`, "FIN"],
  ["answers as to a HEAD, and closes", `${HEAD}Content-Length: 10\r\n\r\n`, "FIN"],
  ["answers 000", "HTTP/1.1 000 None\r\nContent-Length: 2\r\n\r\nok"],
  ["answers 099", "HTTP/1.1 099 Odd\r\nContent-Length: 2\r\n\r\nok"],
  ["answers 1000", "HTTP/1.1 1000 Odd\r\nContent-Length: 2\r\n\r\nok"],
  ["answers 100 without being asked", `HTTP/1.1 100 Continue\r\n\r\n${OK}`], // undici takes none; one that does so always makes every operation unknown
  ["switches protocols", "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"],
  ["switches protocols without saying to which", `HTTP/1.1 101 Switching Protocols\r\n\r\n${OK}`],
  ["answers with a negative length", `${HEAD}Content-Length: -5\r\n\r\nok`],
  ["answers with a length beyond any number", `${HEAD}Content-Length: 99999999999999999999999\r\n\r\nok`],
  ["answers with two lengths", `${HEAD}Content-Length: 2\r\nContent-Length: 3\r\n\r\nokk`],
  ["answers with a list of lengths", `${HEAD}Content-Length: 2, 3\r\n\r\nokk`],
  [
    "answers with a length and chunks",
    `${HEAD}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  ],
  [
    "answers with chunks and a length",
    `${HEAD}Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  ],
  ["answers with another coding and a length", `${HEAD}Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nok`],
  ["ends its lines with LF alone", "HTTP/1.1 200 OK\nContent-Length: 2\n\nok"],
  ["sends a header without a colon", `${HEAD}Content-Length: 2\r\nnonsense\r\n\r\nok`],
  ["sends a header without a name", `${HEAD}: x\r\nContent-Length: 2\r\n\r\nok`],
  ["folds a header", `${HEAD}X: a\r\n b\r\nContent-Length: 2\r\n\r\nok`],
  ["sends NUL in a header", `${HEAD}X: a\0b\r\nContent-Length: 2\r\n\r\nok`],
  ["sends a control character in a header", `${HEAD}X: a\x01b\r\nContent-Length: 2\r\n\r\nok`],
  ["sends a head of 70 KB", `${HEAD}X: ${"a".repeat(70_000)}\r\nContent-Length: 2\r\n\r\nok`],
  ["sends 70,000 headers", `${HEAD}${"a:\r\n".repeat(70_000)}Content-Length: 2\r\n\r\nok`],
  ["sends a chunk longer than any number", `${CHUNKED}FFFFFFFFFFFFFFFFF\r\nok`],
  ["sends a chunk of no length", `${CHUNKED}zz\r\nok`],
  ["sends a chunk longer than it says", `${CHUNKED}2\r\nokmore\r\n0\r\n\r\n`],
  ["sends a length in its trailers", `${CHUNKED}2\r\nok\r\n0\r\nContent-Length: 9\r\n\r\n`],
  ["sends trailers of 70 KB", `${CHUNKED}2\r\nok\r\n0\r\nX: ${"a".repeat(70_000)}\r\n\r\n`],
  ["speaks another protocol", "SSH-2.0-OpenSSH_9.2\r\n"],
  ["speaks HTTP/0.9", "<html>ok</html>", "FIN"],
  ["speaks HTTP/2", "\0\0\x12\x04\0\0\0\0\0"],
];

const UNFRAMED: [does: string, text: string, then: "FIN" | "RST"][] = [
  ["ends its body with the connection", `${HEAD}\r\nabc`, "FIN"],
  ["ends its body with a reset", `${HEAD}\r\nabc`, "RST"],
  ["ends its body with the connection, in HTTP/1.0", "HTTP/1.0 200 OK\r\n\r\nabc", "FIN"],
  ["sends another coding than chunked", `${HEAD}Transfer-Encoding: gzip\r\n\r\nabc`, "FIN"],
];

const RESET: [does: string, act: Act][] = [
  ["resets before it answers", (socket) => socket.resetAndDestroy()],
  ["closes before it answers", (socket) => socket.destroySoon()],
  ["closes only its own side before it answers", (socket) => socket.end()],
  ["closes behind an interim answer", says("HTTP/1.1 103 Early Hints\r\n\r\n", "FIN")],
];

const SILENT: [does: string, act: Act][] = [
  ["never answers", () => {}],
  ["answers as to a HEAD, and keeps the connection", says(`${HEAD}Content-Length: 10\r\n\r\n`)],
  ["lets its head drip", repeats(HEAD, "X: y\r\n")],
  ["lets its body drip", repeats(`${HEAD}Content-Length: 1000000\r\n\r\n`, "x")],
  ["lets its chunks drip", repeats(CHUNKED, "1\r\nx\r\n")],
  ["never ends a body without a length", repeats(`${HEAD}\r\n`, "x".repeat(1_000))],
  ["sends interim answers for ever", repeats("", "HTTP/1.1 102 Processing\r\n\r\n".repeat(100))],
];

export const LOST: Hostile[] = [
  ...RESET.map(([does, act]): Hostile => ({ does, act, fate: unknown("upstream-reset") })),
  ...CUT.map(([does, text, then]): Hostile => ({ does, act: says(text, then), fate: unknown("answer-cut") })),
  ...UNFRAMED.map(([does, text, then]): Hostile => ({ does, act: says(text, then), fate: unknown("answer-unframed") })),
  ...SILENT.map(([does, act]): Hostile => ({ does, act, limits: SOON, fate: unknown("upstream-silent") })),
  {
    does: "takes a part of the request and resets",
    greet: (tcp) => tcp.once("data", () => tcp.resetAndDestroy()),
    body: LARGE,
    seen: 0,
    fate: unknown("upstream-reset"),
  },
  {
    does: "takes a part of the request, and no more",
    greet: (tcp) => tcp.once("data", () => tcp.pause()),
    body: LARGE,
    seen: 0,
    limits: SOON,
    fate: unknown("upstream-silent"),
  },
];
