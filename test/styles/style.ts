import { afterEach, beforeEach } from "@jest/globals";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { send, untilReady } from "../support/installation.ts";
import type { Answer, Sent } from "../support/installation.ts";
import { openGateway } from "../support/open-gateway.ts";
import type { OpenGateway } from "../support/open-gateway.ts";

/** An API of a style, as a function of a request; `made` is what it has created. */
export type Api = (
  request: { method: string; path: string; headers: IncomingMessage["headers"]; body: string },
  res: ServerResponse,
  made: unknown[],
) => void;

export type Style = {
  gateway: OpenGateway;
  /** Where the API itself is. */
  apiUrl: string;
  /** The oracle: what there really is. */
  made: unknown[];
  send(path: string, sent: Sent): Promise<Answer>;
};

/** A gateway with the rule file of a style, as it is published or as a test has it, in front of such an API; new for each test. */
export function style(file: string, api: Api, alter = (rules: string) => rules): Style {
  const rules = alter(readFileSync(new URL(`../../examples/rules/${file}`, import.meta.url), "utf8"));
  const one = { made: [] as unknown[] } as Style;
  const server = createServer((req, res) => {
    void text(req).then((body) =>
      api({ method: req.method ?? "", path: req.url ?? "", headers: req.headers, body }, res, one.made),
    );
  });
  beforeEach(async () => {
    one.made = [];
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    one.apiUrl = `http://127.0.0.1:${port}`;
    one.gateway = await openGateway({ ONCEGATE_UPSTREAM_URL: one.apiUrl }, { rules });
    one.send = (path, sent) => send(one.gateway.url + path, sent);
    await untilReady(one.gateway);
  });
  afterEach(async () => {
    await one.gateway.close();
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  });
  return one;
}

export function answerJson(res: ServerResponse, status: number, document: unknown): void {
  res.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(document));
}
