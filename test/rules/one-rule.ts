import { afterEach, beforeEach } from "@jest/globals";
import type { ServerResponse } from "node:http";
import { recordingUpstream } from "../e2e/recording-upstream.ts";
import type { RecordingUpstream } from "../e2e/recording-upstream.ts";
import { send, untilReady } from "../support/installation.ts";
import type { Answer, Sent } from "../support/installation.ts";
import { openGateway } from "../support/open-gateway.ts";
import type { OpenGateway } from "../support/open-gateway.ts";

/** A gateway with one rule for every request, in front of an upstream that counts and answers as a test says. */
export type OneRule = {
  gateway: OpenGateway;
  executed: number;
  /** At first 201 "made". */
  answer: (res: ServerResponse) => void;
  /** Opens the gateway. */
  withRule(rule: object): Promise<void>;
  /** JSON with the key "k", but for what is said. */
  post(sent?: Sent): Promise<Answer>;
};

export const JSON_TYPE = { "content-type": "application/json" };

/** A new one for each test, closed behind it. */
export function oneRule(): OneRule {
  let upstream: RecordingUpstream;
  let gateway: OpenGateway | undefined;
  const one: OneRule = {
    get gateway() {
      if (gateway === undefined) throw new Error("no gateway was opened");
      return gateway;
    },
    executed: 0,
    answer: () => {},
    async withRule(rule) {
      const rules = JSON.stringify({ version: 1, rules: [{ name: "a", match: {}, ...rule }] });
      gateway = await openGateway({ ONCEGATE_UPSTREAM_URL: upstream.url }, { rules });
      await untilReady(gateway);
    },
    post: ({ headers = {}, body = "{}" } = {}) =>
      send(`${one.gateway.url}/invoices?at=1`, { headers: { "idempotency-key": "k", ...JSON_TYPE, ...headers }, body }),
  };
  beforeEach(async () => {
    upstream = await recordingUpstream();
    one.executed = 0;
    one.answer = (res) => void res.writeHead(201).end("made");
    upstream.answer = (_req, res) => {
      one.executed++;
      one.answer(res);
    };
  });
  afterEach(async () => {
    await gateway?.close();
    gateway = undefined;
    await upstream.close();
  });
  return one;
}
