import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { startGatewayProcess } from "../support/gateway.ts";
import type { GatewayProcess } from "../support/gateway.ts";
import { openRaw } from "./raw-bytes.ts";
import { storeFile } from "./store-file.ts";
import type { StoreFile } from "./store-file.ts";

const MIB = 1_048_576;
const GIBIBYTE = 1_024 * MIB;
const BLOCK = Buffer.alloc(MIB, "oncegate");
/** A buffered body would be 16 times that. */
const MAX_GROWTH = 64 * MIB;
const SAMPLE_MS = 20;
const inMib = (bytes: number): number => Math.round(bytes / MIB);

let upstream: ChildProcess;
let store: StoreFile;
let gateway: GatewayProcess;
let start: number;
beforeAll(async () => {
  const program = fileURLToPath(new URL("./streaming-upstream.ts", import.meta.url));
  upstream = spawn(process.execPath, [program], { stdio: ["ignore", "pipe", "inherit"] });
  const [port] = (await once(upstream.stdout!, "data")) as [Buffer];
  store = storeFile();
  gateway = await startGatewayProcess({
    ONCEGATE_UPSTREAM_URL: `http://127.0.0.1:${port.toString().trim()}`,
    ONCEGATE_STORE: store.url,
  });
  start = residentBytes();
});
afterAll(async () => {
  await gateway.kill();
  upstream.kill("SIGKILL");
  store.remove();
});

function residentBytes(): number {
  const status = readFileSync(`/proc/${gateway.pid}/status`, "latin1");
  return 1_024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
}

/** The most that the gateway held while `pass` ran. */
async function peakDuring(pass: () => Promise<void>): Promise<number> {
  let most = residentBytes();
  const sampling = setInterval(() => (most = Math.max(most, residentBytes())), SAMPLE_MS);
  try {
    await pass();
  } finally {
    clearInterval(sampling);
  }
  return Math.max(most, residentBytes());
}

/** Sends so many bytes and resolves to what the upstream says it was sent. */
async function upload(bytes: number): Promise<string | undefined> {
  const connection = await openRaw(gateway.url);
  const { socket } = connection;
  connection.send(`POST /up HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: ${bytes}\r\n\r\n`);
  for (let sent = 0; sent < bytes; sent += MIB) if (!socket.write(BLOCK)) await once(socket, "drain");
  expect(await connection.ended).toBe("FIN");
  return connection.received().split("\r\n\r\n")[1];
}

/** Asks for so many bytes, begins to read late, and resolves to how many came, the head included. */
async function download(bytes: number): Promise<number> {
  const connection = await openRaw(gateway.url);
  const { socket } = connection;
  let received = 0;
  socket.removeAllListeners("data").on("data", (piece: Buffer) => (received += piece.length));
  socket.pause();
  connection.send(`GET /${bytes} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`);
  await sleep(500);
  socket.resume();
  expect(await connection.ended).toBe("FIN");
  return received;
}

/** /proc is where a process's memory can be looked at; elsewhere the same program runs. */
const onLinux = existsSync("/proc/self/status") ? describe : describe.skip;
onLinux("a gateway grows by 64 MiB or less from its start while a gibibyte passes", () => {
  test.each([
    ["to the upstream", async (bytes: number) => expect(await upload(bytes)).toBe(String(bytes))],
    ["to a client", async (bytes: number) => expect((await download(bytes)) - bytes).toBeLessThan(1_000)],
  ])("%s", async (where, pass) => {
    const most = await peakDuring(() => pass(GIBIBYTE));
    process.stdout.write(`1 GiB ${where}: at the start ${inMib(start)} MiB, at most ${inMib(most)} MiB\n`);
    expect(most - start).toBeLessThanOrEqual(MAX_GROWTH);
  });
});
