import { goalsOf } from "../bench/goals.ts";
import type { Results } from "../bench/results.ts";
import { tableOf } from "../bench/table.ts";

const BARE = "bare http-proxy-middleware";

/** docs/cost.md, of the published run of the bench: what was aimed at and reached, and why not more. */
export function costPage(results: Results, generated: string): string {
  const { at, machine, settings, rows, latency, records } = results;
  return `# What an operation costs, and why not less

${generated} Its figures are those of one run of \`npm run bench\`
(bench/results/published.json, ${at.slice(0, 10)}: ${settings.rounds} rounds of ${settings.seconds} s each in turns behind ${settings.warmup} s of warm-up, ${settings.connections} connections, ${machine.cpus} CPUs shared by load, contestant, store and API).
Ratios carry from one machine to another, numbers do not.

## What was aimed at

\`\`\`text
${goalsOf(rows, latency, records)}
\`\`\`

## What was measured

\`\`\`text
${tableOf(rows)}
\`\`\`

"Bare" is Express with http-proxy-middleware and kept connections, and no idempotency. Redis syncs each write (\`appendfsync always\`) but where
it says otherwise: what is waited for then is the disk, and few requests share a turn of the event loop, so that each costs more.

## Why not less

The floors are programs of the same parts that do nothing but what cannot be left out, by the cheapest interfaces (bench/floor.ts): \`node:http\`
takes a request and gives an answer; one script of Redis besides, as a replay needs; undici and two scripts, as a first use does. They have no
guard, no digest, no rule, no state, no lease, no log. A goal that its floor does not reach cannot be reached with these parts:

${floorsOf(results)}

Where a floor reaches its goal there is little between them: for all that Oncegate does, a tenth of what the bare proxy takes.

A profile of first uses on the same machine (\`node --cpu-prof\` behind 20 s of warm-up, shares of the time at work) says where it goes:

| | share |
| --- | --- |
| the four writes: two to Redis, shared by what comes in a turn, one to the API, one to the client | 21 % |
| Oncegate itself: rules, names and records 8 %, the store's side 9 %, the client's side 3 %, the steps between them 5 % | 25 % |
| bytes to text and back: header values, tokens, commands | 8 % |
| ioredis: two commands and their replies, without the writes | 6 % |
| \`node:http\`: reading a request, writing an answer, without the write | 6 % |
| undici: a request and its answer, without the write | 5 % |
| four HMACs: scope, key, credential, fingerprint | 4 % |
| a line of the log | 4 % |
| promises | 4 % |
| timers: of the body, the lease, the client's patience, the API, Redis | 4 % |
| garbage | 3 % |
| Node itself | 3 % |
| canonical JSON for the fingerprint | 2 % |
| metrics | 2 % |
| the rest | 3 % |

No function of Oncegate's own takes more than a hundredth. The pipeline without sockets, Redis and the API takes 26 µs in a loop of its own, a
quarter of what the bare proxy takes. What a first use costs beyond that and its floor goes with its memory: 85 KB of short-lived objects, where
its floor has 20 and a proxied request 33.

A request that passes is http-proxy-middleware's own work, which is the whole of the bare proxy, and the guard, rebuilt headers, limits, metrics
and a line of the log besides.

What measuring found, and what it bought (CPU of a request against the bare proxy):

- A dictionary of headers without a prototype is a hash table to V8, and a response with a \`write\` of its own has another shape than every other:
  Node's own code for both became several times slower. POST that passes: 2.2 to 3.0 before, 1.6 after. A listener for each piece of a body was a fifth of a request.
- No Express on the port of clients ([ADR 0018](adr/0018-no-express-on-the-port-of-clients.md)): a replay 1.21 before, 1.14 after.
- A WeakMap whose values led back to their keys, and Sets of what runs, kept every request until the next full collection: 4 of each 18 MB were copied twice.
- What is written to Redis in one turn leaves in one write. Lines of the log leave 128 at a time, or after 100 ms, and a warning at once; those of
  requests are written without pino, which looks at what each field is: POST that passes 145 µs before, 135 after.
- HMAC by two calls of \`crypto.hash\`, where Node has an object for each: a replay 116 µs before, 100 after.
- A short command to Redis as one text, where ioredis makes a piece of each argument: a replay 103 µs before, 93 after.
- Half as many promises between claim and settle, commands whose arguments ioredis never sees, a request's line of the log in one piece: a first
  use 175 µs before, 160 after, a replay 83 and 79, with 70 KB of garbage where there were 92 (both in turns on one machine). An accessor in
  the literal of a request would have cost 20 µs: V8 makes a dictionary of it.
- Canonical JSON by character codes: 13.9 µs for an invoice of 600 B before, 5.5 after; 444 and 207 for one of 20 KB.
- The memory of a body that streams is given back as it leaves: while one GiB passes a fresh gateway grows by 30 MiB, not by 90, and takes two thirds of the time.

How much it varies: with that later code two whole runs gave 1.64 and 2.30 for the CPU of a first use against the bare proxy, and the same gateway
took 1.45 and 1.48 with 1 % of duplicates minutes later in the same runs. One cause is known: V8 gives back most of its young generation while a
contestant waits for its turn, and a small one is dear (345 µs a first use with 1 MB, 290 with 2, 190 with its usual one, 160 to 180 with 32 to 128).
A gateway that is never idle keeps it; one with bursts may be started with Node's \`--min-semi-space-size=16\`.

No check was left out for speed: \`npm run chaos\` finds its seeded bugs, and nothing else.
`;
}

/** What the floors reach of the goals: both against the bare proxy. */
function floorsOf({ rows, latency }: Results): string {
  const bare = rows.find(({ name, workload }) => name === BARE && workload === "small")?.median;
  const lines = ["| floor | CPU | requests/s | added latency p50 | p99 |", "| --- | --- | --- | --- | --- |"];
  for (const { name, median } of rows) {
    if (!name.startsWith("floor") || bare === undefined) continue;
    const added = (field: "added50" | "added99"): string => {
      const [own, other] = [name, BARE].map((one) => latency.find((row) => row.name.startsWith(one))?.[field]);
      return own === undefined || other === undefined ? "" : (own / other).toFixed(2);
    };
    const ratios = (["cpuMicrosPerRequest", "requestsPerSecond"] as const).map((of) =>
      (median[of] / bare[of]).toFixed(2),
    );
    lines.push(`| ${[name.slice("floor: ".length), ...ratios, added("added50"), added("added99")].join(" | ")} |`);
  }
  return lines.join("\n");
}
