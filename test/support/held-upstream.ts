import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** One request as it arrived, waiting for the test to answer it. */
type Arrival = {
  method: string;
  target: string;
  /** Name, value, name, value, ... as received: spelling, order, repeats and Latin-1. */
  headers: string[];
  body: Buffer;
  answer(status: number, headers?: readonly string[], body?: Buffer): void;
  /** As `answer`, with a body of fields; the usual end of a held operation. */
  created(fields: object): void;
};

/** An upstream that does nothing until the test says what: nothing here depends on how long something takes. */
export type HeldUpstream = {
  url: string;
  /** Everything that ever arrived: the oracle of what was executed. */
  arrivals: Arrival[];
  /** Resolves to the nth request whose header `x-test` has this value, past or future. */
  arrived(test: string, nth?: number): Promise<Arrival>;
  /** How many such requests have arrived. */
  count(test: string): number;
  close(): Promise<void>;
};

/** On a free port, or on the one that was free a moment ago. */
export async function startHeldUpstream(port = 0): Promise<HeldUpstream> {
  const arrivals: Arrival[] = [];
  const waiting = new Set<() => void>();
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("error", () => {}); // whoever sent it gave up
    request.on("end", () => {
      const answer: Arrival["answer"] = (status, headers = [], body = Buffer.alloc(0)) => {
        const isChunked = headerOf(headers, "transfer-encoding").length > 0;
        const length = status === 204 || isChunked ? [] : ["Content-Length", String(body.length)];
        response.writeHead(status, [...headers, ...length]).end(body);
      };
      arrivals.push({
        method: request.method ?? "",
        target: request.url ?? "",
        headers: request.rawHeaders,
        body: Buffer.concat(parts),
        answer,
        created: (fields) => answer(201, ["Content-Type", "application/json"], Buffer.from(JSON.stringify(fields))),
      });
      for (const look of waiting) look();
    });
  }).listen(port, "127.0.0.1");
  await once(server, "listening");
  const of = (test: string) => arrivals.filter(({ headers }) => headerOf(headers, "x-test").includes(test));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    arrivals,
    count: (test) => of(test).length,
    arrived: (test, nth = 1) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = of(test)[nth - 1];
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** The values of a header in a raw list, by lower-case name. */
export function headerOf(raw: readonly string[], name: string): string[] {
  return raw.filter((_, i) => i % 2 === 1 && raw[i - 1]!.toLowerCase() === name);
}
