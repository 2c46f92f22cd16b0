import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { answerDigest, digest } from "../digest.ts";
import { now } from "../limits.ts";
import { tokenOf } from "../token.ts";
import type { Behaviour } from "./behaviour.ts";
import { PLAIN } from "./behaviour.ts";
import { Ledger } from "./ledger.ts";

/** The upstream of a run, in a process of its own: `node main.ts PORT LEDGER`. */
const [port, file] = process.argv.slice(2);
const ledger = new Ledger(file!);

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

  const { kind, status } = behaviour;
  const answer: Answer = {
    status,
    headers: { "content-type": "application/json", "x-request": request, "set-cookie": "session=first" },
    body: JSON.stringify({ request, tenant, key, filling: randomUUID().repeat(behaviour.bytes / 36 + 1) }),
  };
  const said = { request, status, answer: answerDigest(answer.headers, answer.body) };
  res.once("finish", () => ledger.append({ what: "answered", request, at: now() }));
  if (kind === "refuses") return void req.socket.resetAndDestroy();
  if (kind === "declines") {
    ledger.append({ what: "declined", at: now(), ...said });
    return void setTimeout(() => whole(res, answer), behaviour.afterMs);
  }
  setTimeout(() => {
    ledger.append({ what: "acted", at: now(), ...said, bytes: answer.body.length });
    act(kind, res, answer);
  }, behaviour.afterMs);
}

type Answer = { status: number; headers: Record<string, string>; body: string };

const OF_A_PROXY: Answer = { status: 502, headers: {}, body: "the proxy in front of it speaks" };

function act(kind: Exclude<Behaviour["kind"], "declines" | "refuses">, res: ServerResponse, answer: Answer): void {
  const { status, headers, body } = answer;
  switch (kind) {
    case "answers":
      return whole(res, answer);
    case "resets":
      return void res.socket?.resetAndDestroy();
    case "hangs":
      return;
    case "cuts":
      res.writeHead(status, { ...headers, "content-length": body.length });
      res.write(body.slice(0, body.length / 2));
      return void setTimeout(() => res.socket?.resetAndDestroy(), 20);
    case "unframed":
      return void res.socket?.end(`HTTP/1.1 ${status} Created\r\nConnection: close\r\n\r\n${body}`);
    case "bad-gateway":
      return whole(res, OF_A_PROXY);
  }
}

function whole(res: ServerResponse, { status, headers, body }: Answer): void {
  const retryAfter = status === 503 ? { "retry-after": "1" } : {};
  res.writeHead(status, { ...headers, ...retryAfter, "content-length": body.length }).end(body);
}
