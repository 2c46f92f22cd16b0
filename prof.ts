import { mkdtempSync } from "node:fs";
import { startOwn, startProgram, sendLoad, endPrograms } from "./bench/program.ts";
import { startRedis } from "./test/support/redis-server.ts";
import { setTimeout as sleep } from "node:timers/promises";
const [store, keys, method, bytes, secs] = process.argv.slice(2);
const folder = mkdtempSync("/tmp/w/prof/f-");
const upstream = await startOwn("./upstream.ts", {}, folder);
const redis = await startRedis();
const bare = store === "bare";
const env = bare ? { UPSTREAM: upstream.url } : { ONCEGATE_UPSTREAM_URL: upstream.url, ONCEGATE_STORE: store === "redis" ? redis.url : `sqlite:${folder}/g.db`, ONCEGATE_LISTEN: "127.0.0.1:0", ONCEGATE_ADMIN_LISTEN: "127.0.0.1:0", ...(store === "pass" ? { ONCEGATE_STORE: `sqlite:${folder}/g.db`, ONCEGATE_KEY_HEADERS: "x-nobody" } : {}) };
const program = await startProgram({ command: process.execPath, args: [...(process.env.PROF ? ["--cpu-prof", "--cpu-prof-dir=/tmp/w/prof", "--cpu-prof-interval=200"] : []), bare ? "bench/bare-proxy.ts" : "src/main.ts"].map((a) => a.startsWith("-") ? a : `/tmp/w/bench/${a}`), env }, folder);
const workload = { name: "x", method, requestBytes: Number(bytes), answerBytes: Number(bytes) === 400 ? 600 : Number(bytes), keys };
await sendLoad({ url: program.url, connections: 32, seconds: 2, workload });
for (let i = 0; i < 3; i++) {
  const before = program.cpuSeconds();
  const load = await sendLoad({ url: program.url, connections: 32, seconds: Number(secs ?? 4), workload });
  await sleep(300);
  console.log(store, keys, method, bytes, "req/s", Math.round(load.answered / load.seconds), "cpu µs", Math.round((program.cpuSeconds() - before) * 1e6 / load.answered), "p50", load.p50.toFixed(1), "errors", load.errors);
}
process.kill(program.pid, "SIGTERM"); for (let i = 0; i < 100 && program.cpuSeconds() > 0; i++) await sleep(200);
await redis.close(); endPrograms(); process.exit();
