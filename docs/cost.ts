import { goalsOf } from "../bench/goals.ts";
import type { Results } from "../bench/results.ts";
import { tableOf } from "../bench/table.ts";

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

The floors are programs of the same parts that do nothing but what cannot be left out (bench/floor.ts): \`node:http\` takes a request and gives an
answer; one script of Redis besides, as a replay needs; undici and two scripts, as a first use does. They have no guard, no digest, no rule, no
state, no log. A replay or a first use by these parts cannot cost less, whatever is done about the rest; where a goal is below its floor it
cannot be reached with them.

A profile of first uses on the same machine (\`node --cpu-prof\`, shares of the time at work) says where the rest goes:

| | share |
| --- | --- |
| the four writes: two to Redis, shared by what comes in a turn, one to the API, one to the client | 17 % |
| undici: a request and its answer, without the writes | 13 % |
| ioredis: two commands and their replies, without the writes | 11 % |
| \`node:http\`: reading a request, writing an answer, without the write | 10 % |
| four HMACs: scope, key, credential, fingerprint | 9 % |
| a line of the log | 5 % |
| canonical JSON for the fingerprint | 3 % |
| garbage | 3 % |
| the guard | 1 % |
| the rest: rules, records, leases, timers, and the promises between them | 28 % |

A request that passes is http-proxy-middleware's own work, which is the whole of the bare proxy, and the guard, rebuilt headers, limits, metrics
and a line of the log besides.

What measuring found, and what it bought (CPU of a request against the bare proxy):

- A dictionary of headers without a prototype is a hash table to V8, and a response with a \`write\` of its own has another shape than every other:
  Node's own code for both became several times slower. POST that passes: 2.2 to 3.0 before, 1.6 after. A listener for each piece of a body was a fifth of a request.
- No Express on the port of clients ([ADR 0018](adr/0018-no-express-on-the-port-of-clients.md)): a replay 1.21 before, 1.14 after.
- A WeakMap whose values led back to their keys, and Sets of what runs, kept every request until the next full collection: 4 of each 18 MB were copied twice.
- What is written to Redis in one turn leaves in one write; lines of the log leave 32 at a time, or after 100 ms.
- An HMAC in as few calls as there can be: 4.6 µs before, 2.3 after.
- The memory of a body that streams is given back as it leaves: while one GiB passes a fresh gateway grows by 30 MiB, not by 90, and takes two thirds of the time.

No check was left out for speed: \`npm run chaos\` finds its seeded bugs, and nothing else.
`;
}
