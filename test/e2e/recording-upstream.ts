import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/** An upstream that tells what it was sent, and answers as a test says. */
export type RecordingUpstream = {
  url: string;
  /** Answers the next requests; at first with what they were, as JSON (`Echo`). */
  answer: (req: IncomingMessage, res: ServerResponse) => void | Promise<void>;
  close(): Promise<void>;
};

export type Echo = { method: string; target: string; rawHeaders: string[]; body: string };

export async function recordingUpstream(): Promise<RecordingUpstream> {
  const server = createServer((req, res) => void upstream.answer(req, res)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const upstream: RecordingUpstream = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answer: echo,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
  return upstream;
}

export async function echo(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const { method = "", url: target = "", rawHeaders } = req;
  const said: Echo = { method, target, rawHeaders, body: (await buffer(req)).toString("latin1") };
  const body = Buffer.from(JSON.stringify(said));
  res.writeHead(200, { "Content-Type": "application/json", "Content-Length": body.length }).end(body);
}

/** The values of one header in their order. */
export function valuesOf({ rawHeaders }: Echo, name: string): string[] {
  return rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]!.toLowerCase() === name);
}
