import { startRawUpstream } from "../upstream/raw-upstream.ts";
import { faultOf } from "./soak-faults.ts";

/** An upstream in a process of its own, each kind of fault with one request in a hundred. Says its address, ends with its parent. */
const upstream = await startRawUpstream((socket, request, tcp) => {
  upstream.requests.length = 0;
  const n = Number(/^POST \/soak\/(\d+) /.exec(request)?.[1]);
  faultOf(n).act?.(socket, request, tcp);
});
process.stdout.write(`${upstream.url.origin}\n`);
process.stdin.once("end", () => process.exit()).resume();
