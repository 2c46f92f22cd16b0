import { createHash, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { now } from "../limits.ts";
import { tokenOf } from "../token.ts";
import type { Behaviour } from "./behaviour.ts";
import { PLAIN } from "./behaviour.ts";
import { Ledger } from "./ledger.ts";

/** The upstream of a run, in a process of its own: `node main.ts PORT LEDGER`. */
const [port, file] = process.argv.slice(2);
const ledger = new Ledger(file!);

const digest = (bytes: Buffer | string): string => createHash("sha256").update(bytes).digest("base64url").slice(0, 22);

createServer((req, res) => {
  const parts: Buffer[] = [];
  req.on("error", () => {}); // whoever sent it gave up
  res.on("error", () => {});
  req.on("data", (part: Buffer) => parts.push(part));
  req.on("end", () => serve(req, res, Buffer.concat(parts)));
}).listen(Number(port), "127.0.0.1", () => console.log("listening"));

function serve(req: IncomingMessage, res: ServerResponse, body: Buffer): void {
  const request = randomUUID();
  const credential = req.headers.authorization ?? "";
  const { tenant } = tokenOf(credential);
  const key = String(req.headers["x-idempotency-key"]);
  const behaviour = (JSON.parse(String(req.headers["x-chaos"] ?? "null")) as Behaviour | null) ?? PLAIN;
  const gateway = req.url?.split("/")[1] ?? "";
  const who = { gateway, tenant, key, credential: digest(credential), body: digest(body) };
  ledger.append({ what: "received", request, at: now(), ...who, behaviour: behaviour.kind });

  const answer = JSON.stringify({ request, tenant, key, filling: randomUUID().repeat(behaviour.bytes / 36 + 1) });
  const { kind, status } = behaviour;
  const said = { request, status, answer: digest(answer) };
  res.once("finish", () => ledger.append({ what: "answered", request, at: now() }));
  if (kind === "refuses") return void req.socket.resetAndDestroy();
  if (kind === "declines") {
    ledger.append({ what: "declined", at: now(), ...said });
    return void setTimeout(() => whole(res, status, answer), behaviour.afterMs);
  }
  setTimeout(() => {
    ledger.append({ what: "acted", at: now(), ...said, bytes: Buffer.byteLength(answer) });
    act(kind, res, status, answer);
  }, behaviour.afterMs);
}

function act(
  kind: Exclude<Behaviour["kind"], "declines" | "refuses">,
  res: ServerResponse,
  status: number,
  answer: string,
): void {
  switch (kind) {
    case "answers":
      return whole(res, status, answer);
    case "resets":
      return void res.socket?.resetAndDestroy();
    case "hangs":
      return;
    case "cuts":
      res.writeHead(status, { "content-length": Buffer.byteLength(answer) });
      res.write(answer.slice(0, answer.length / 2));
      return void setTimeout(() => res.socket?.resetAndDestroy(), 20);
    case "unframed":
      res.socket?.end(`HTTP/1.1 ${status} Created\r\nConnection: close\r\n\r\n${answer}`);
      return;
    case "bad-gateway":
      return whole(res, 502, "the proxy in front of it speaks");
  }
}

function whole(res: ServerResponse, status: number, answer: string): void {
  const retryAfter = status === 503 ? { "retry-after": "1" } : {};
  const headers = { "content-type": "application/json", "set-cookie": "session=first", ...retryAfter };
  res.writeHead(status, { ...headers, "content-length": Buffer.byteLength(answer) }).end(answer);
}
