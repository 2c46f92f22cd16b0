import { once } from "node:events";
import { createServer } from "node:http";

/** It answers after so many ms at most, so that a gateway that is killed leaves something behind. */
const WORKS_FOR_MS = 60;

/** An invoicing API that knows nothing of keys: each request that reaches it makes an invoice. It remembers them all. */
export type Backend = {
  url: string;
  /** The answers under which an invoice of this number was made: one, unless something is wrong. */
  invoices(number: string): readonly string[];
  close(): void;
};

export async function startBackend(): Promise<Backend> {
  const made = new Map<string, string[]>();
  const server = createServer((req, res) => {
    const parts: Buffer[] = [];
    req.on("error", () => {}); // a gateway that was killed
    req.on("data", (part: Buffer) => parts.push(part));
    req.on("end", () => {
      const number = Buffer.concat(parts).toString();
      setTimeout(() => {
        const others = made.get(number) ?? [];
        const answer = JSON.stringify({ number, copy: others.length + 1, madeAt: new Date().toISOString() });
        made.set(number, [...others, answer]);
        res.writeHead(201, { "content-type": "application/json" }).end(answer);
      }, WORKS_FOR_MS * Math.random());
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("no address was bound");
  return {
    url: `http://127.0.0.1:${bound.port}`,
    invoices: (number) => made.get(number) ?? [],
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
