import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { until } from "../support/until.ts";

/** A connection that sends what no HTTP client would, and keeps what comes back. */
export type RawConnection = {
  socket: Socket;
  send(bytes: string | Buffer): void;
  /** Everything received so far, a character a byte. */
  received(): string;
  /** Resolves when the server has ended the connection, to how: with everything received, or reset. */
  ended: Promise<"FIN" | "RST">;
};

export async function openRaw(url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
  await once(socket, "connect");
  const parts: Buffer[] = [];
  socket.on("data", (part: Buffer) => parts.push(part));
  const ended = new Promise<"FIN" | "RST">((resolve) => {
    socket.once("end", () => {
      resolve("FIN");
      socket.destroySoon();
    });
    socket.once("error", () => resolve("RST"));
  });
  return {
    socket,
    send: (bytes) => void socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes),
    received: () => Buffer.concat(parts).toString("latin1"),
    ended,
  };
}

export type RawAnswer = { status: number; head: string; headers: Map<string, string[]>; body: string };

/** The answers in what was received, each with a Content-Length. */
export function answersIn(received: string): RawAnswer[] {
  const answers: RawAnswer[] = [];
  for (let rest = received; rest.includes("\r\n\r\n");) {
    const border = rest.indexOf("\r\n\r\n");
    const head = rest.slice(0, border);
    const headers = Map.groupBy(head.split("\r\n").slice(1), (line) => line.slice(0, line.indexOf(":")).toLowerCase());
    const values = new Map([...headers].map(([name, lines]) => [name, lines.map((l) => l.slice(l.indexOf(":") + 2))]));
    const length = Number(values.get("content-length")?.[0] ?? 0);
    const body = rest.slice(border + 4, border + 4 + length);
    answers.push({ status: Number(head.split(" ")[1]), head, headers: values, body });
    rest = rest.slice(border + 4 + length);
  }
  return answers;
}

/** Sends one request as it stands and resolves to the first answer; the connection is closed then. */
export async function rawAnswer(url: string, request: string | Buffer): Promise<RawAnswer> {
  const connection = await openRaw(url);
  connection.send(request);
  const answer = await until("a whole answer", () => wholeAnswer(connection.received()));
  connection.socket.destroy();
  return answer;
}

export function wholeAnswer(received: string): RawAnswer | undefined {
  const [first] = answersIn(received);
  if (first === undefined) return undefined;
  return first.body.length === Number(first.headers.get("content-length")?.[0] ?? 0) ? first : undefined;
}

/** A POST as text: the header lines as given, in their order. */
export function rawPost(lines: readonly string[], body = "", path = "/invoices"): string {
  return [`POST ${path} HTTP/1.1`, "Host: gateway", ...lines, "", body].join("\r\n");
}
