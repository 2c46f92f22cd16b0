import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { Redis } from "ioredis";
import { Pool } from "undici";

/**
 * What no gateway of these parts can go below: the calls that a replay or a first use cannot do without, and nothing else: no guard, no
 * digest, no rule, no state, no log. It is no gateway, and what it stores means nothing.
 */
const { UPSTREAM = "", REDIS = "", PART = "" } = process.env;

const STORE = `redis.call("SET", KEYS[1], ARGV[1], "PX", 60000) return {"ok", 1, ARGV[1]}`;
const BYTES = Buffer.alloc(600, "x");

const redis = new Redis(REDIS);
const script = String(await redis.script("LOAD", STORE));
const upstream = new Pool(UPSTREAM, { connections: 256 });
let count = 0;

async function answerTo(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await buffer(request);
  const key = `floor:${count++ % 1_000}`;
  if (PART !== "nothing") await redis.callBuffer("EVALSHA", script, 1, key, BYTES);
  let answer = BYTES;
  if (PART === "a first use") {
    const sent = await upstream.request({ method: "POST", path: request.url!, headers: { "x-a": "b" }, body });
    answer = Buffer.from(await sent.body.arrayBuffer());
    await redis.callBuffer("EVALSHA", script, 1, key, answer);
  }
  response.writeHead(201, ["Content-Type", "application/json", "Content-Length", String(answer.length)]).end(answer);
}

const server = createServer((request, response) => void answerTo(request, response));
server.listen(0, "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
