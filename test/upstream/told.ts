import { openRaw } from "../e2e/raw-bytes.ts";
import type { RawConnection } from "../e2e/raw-bytes.ts";
import { until } from "../support/until.ts";

/** One HTTP message as received: nothing about it is mended. */
export type Told = {
  statusLine: string;
  /** Header lines as received, without spaces at their ends, which mean nothing. */
  lines: string[];
  body: string;
  /** Trailer lines of a chunked body. */
  trailers: string[];
  /** Its end was told: by its length, by the last chunk, or by having no body. */
  isWhole: boolean;
};

/** What a client was told in all: interim answers, the answer, and how the connection ended. */
export type Telling = { interim: Told[]; answer: Told | undefined; end: "FIN" | "RST" };

/** Sends one request and resolves when the server has ended the connection: let the request ask for that. */
export async function tellingOf(url: string, request: string | Buffer): Promise<Telling> {
  const connection = await openRaw(url);
  connection.send(request);
  return told(connection, String(request).startsWith("HEAD "));
}

export async function told(connection: RawConnection, isHead = false): Promise<Telling> {
  let end: Telling["end"] | undefined;
  void connection.ended.then((how) => (end = how));
  const how = await until("the end of the connection", () => end);
  connection.socket.destroy();
  const messages = messagesIn(connection.received(), isHead);
  const answer = messages.find(({ statusLine }) => !statusLine.startsWith("HTTP/1.1 1"));
  return { interim: messages.filter((one) => one !== answer), answer, end: how };
}

/** In one line: a status with the problem's code or the whole body, or "RST", however much came before it. */
export function inShort({ interim, answer, end }: Telling): string {
  if (end === "RST") return "RST";
  const before = interim.map(({ statusLine }) => `${statusLine.split(" ")[1]} `).join("");
  if (answer === undefined) return `${before}nothing`;
  const status = answer.statusLine.split(" ")[1];
  const isProblem = answer.lines.some((line) => line.toLowerCase() === "content-type: application/problem+json");
  const said = isProblem ? (JSON.parse(answer.body) as { code: string }).code : answer.body;
  return `${before}${status} ${said}${answer.isWhole ? "" : " (until it closed)"}`.trimEnd();
}

/** Requests or answers, the last of them perhaps not yet whole. */
export function messagesIn(received: string, isHead: boolean): Told[] {
  const messages: Told[] = [];
  for (let rest = received; rest.includes("\r\n\r\n");) {
    const border = rest.indexOf("\r\n\r\n");
    const [statusLine = "", ...raw] = rest.slice(0, border).split("\r\n");
    const lines = raw.map((line) => line.trimEnd());
    const isRequest = !statusLine.startsWith("HTTP/");
    const isBodiless = isHead || /^HTTP\/1.. (1..|204|304)/.test(statusLine);
    const { used, ...body } = bodyOf(rest.slice(border + 4), lines, isBodiless, isRequest);
    messages.push({ statusLine, lines, ...body });
    rest = rest.slice(border + 4 + used);
  }
  return messages;
}

type Body = Pick<Told, "body" | "trailers" | "isWhole"> & { used: number };

function bodyOf(rest: string, lines: string[], isBodiless: boolean, isRequest: boolean): Body {
  const value = (name: string) => lines.find((line) => line.toLowerCase().startsWith(`${name}: `))?.split(": ")[1];
  if (isBodiless) return { body: "", trailers: [], isWhole: true, used: 0 };
  if (value("transfer-encoding") !== undefined) return chunkedBodyOf(rest);
  const length = Number(value("content-length") ?? (isRequest ? 0 : Number.NaN));
  const body = Number.isNaN(length) ? rest : rest.slice(0, length);
  return { body, trailers: [], isWhole: body.length === length, used: body.length };
}

function chunkedBodyOf(rest: string): Body {
  let [body, at] = ["", 0];
  for (;;) {
    const lineEnd = rest.indexOf("\r\n", at);
    const size = Number.parseInt(rest.slice(at, lineEnd), 16);
    if (lineEnd === -1 || Number.isNaN(size)) return { body, trailers: [], isWhole: false, used: rest.length };
    if (size === 0) break;
    body += rest.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 2 + size + 2;
  }
  const end = rest.indexOf("\r\n\r\n", at);
  const trailers = rest.slice(at, end).split("\r\n").slice(1);
  return { body, trailers, isWhole: end !== -1, used: end === -1 ? rest.length : end + 4 };
}
