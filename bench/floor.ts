import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Redis } from "ioredis";
import { Pool } from "undici";

/**
 * What no gateway of these parts goes below: the calls that a replay or a first use cannot do without, by their cheapest interfaces, and
 * nothing else: no guard, no digest, no rule, no state, no log. It is no gateway, and what it stores means nothing.
 */
const { UPSTREAM = "", REDIS = "", PART = "" } = process.env;

const STORE = `redis.call("SET", KEYS[1], ARGV[1], "PX", 60000) return {"ok", 1, ARGV[1]}`;
const BYTES = Buffer.alloc(600, "x");

const redis = new Redis(REDIS);
const script = String(await redis.script("LOAD", STORE));
const upstream = new Pool(UPSTREAM, { connections: 256 });
let count = 0;

/** By its events: an asynchronous iterator costs as much as all the rest of a request. */
function bodyOf(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => resolve(Buffer.concat(pieces))).on("error", reject);
  });
}

function answerOf(path: string, body: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    upstream.dispatch(
      { method: "POST", path, headers: { "x-a": "b" }, body },
      {
        onRequestStart() {},
        onResponseStart() {},
        onResponseData: (_, piece) => void pieces.push(piece),
        onResponseEnd: () => resolve(Buffer.concat(pieces)),
        onResponseError: (_, error) => reject(error),
      },
    );
  });
}

async function answerTo(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await bodyOf(request);
  const key = `floor:${count++ % 1_000}`;
  if (PART !== "nothing") await redis.callBuffer("EVALSHA", script, 1, key, BYTES);
  let answer: Buffer = BYTES;
  if (PART === "a first use") {
    answer = await answerOf(request.url!, body);
    await redis.callBuffer("EVALSHA", script, 1, key, answer);
  }
  response.writeHead(201, ["Content-Type", "application/json", "Content-Length", String(answer.length)]).end(answer);
}

const server = createServer((request, response) => void answerTo(request, response));
server.listen(0, "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
