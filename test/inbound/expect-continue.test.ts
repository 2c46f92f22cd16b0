import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { openRaw, answersIn, rawPost } from "../e2e/raw-bytes.ts";
import { echo, recordingUpstream } from "../e2e/recording-upstream.ts";
import type { RecordingUpstream } from "../e2e/recording-upstream.ts";
import { openGateway } from "../support/open-gateway.ts";
import type { OpenGateway } from "../support/open-gateway.ts";
import { until } from "../support/until.ts";

let upstream: RecordingUpstream;
let gateway: OpenGateway;
let requests = 0;
beforeAll(async () => {
  upstream = await recordingUpstream();
  upstream.answer = (req, res) => {
    requests++;
    return echo(req, res);
  };
  gateway = await openGateway({ ONCEGATE_UPSTREAM_URL: upstream.url, ONCEGATE_MAX_REQUEST_BODY: "1kb" });
});
afterAll(async () => {
  await gateway.close();
  await upstream.close();
});
beforeEach(() => {
  requests = 0;
});

const EXPECTING = ["Expect: 100-continue"];
const CONTINUE = "HTTP/1.1 100 Continue\r\n\r\n";

describe("100 Continue", () => {
  test.each([
    ["an operation", ["Idempotency-Key: k"]],
    ["what passes through", []],
  ])("is said once where the body of %s is going to be read", async (_what, lines) => {
    const client = await openRaw(gateway.url);
    client.send(rawPost([...EXPECTING, ...lines, "Content-Length: 4"]));
    await until("leave to send", () => client.received() === CONTINUE);
    client.send("body");
    const [, answer] = await until("an answer", () => {
      const answers = answersIn(client.received());
      return answers.length === 2 && answers;
    });
    expect([answer?.status, JSON.parse(answer?.body ?? "")]).toEqual([200, expect.objectContaining({ body: "body" })]);
    expect(requests).toBe(1);
    client.socket.destroy();
  });

  test.each([
    ["a body over the limit", ["Idempotency-Key: k", "Content-Length: 1025"], 413, "body-too-large"],
    ["a malformed key", ['Idempotency-Key: "open', "Content-Length: 4"], 400, "key-invalid"],
    ["what the guard refuses", ["X_Api_Key: a", "Content-Length: 4"], 400, "bad-request"],
  ])("is not said to %s, which is refused at once", async (_what, lines, status, code) => {
    const client = await openRaw(gateway.url);
    client.send(rawPost([...EXPECTING, ...lines]));
    expect(await client.ended).toBe("FIN"); // and nobody waits for a body that will not be sent
    const answers = answersIn(client.received());
    expect(answers.map((answer) => [answer.status, answer.headers.get("connection")])).toEqual([[status, ["close"]]]);
    expect(JSON.parse(answers[0]!.body)).toMatchObject({ code });
    expect(requests).toBe(0);
  });

  test("is not said on HTTP/1.0, which does not know it", async () => {
    const client = await openRaw(gateway.url);
    const request = rawPost([...EXPECTING, "Idempotency-Key: old", "Content-Length: 4"], "body");
    client.send(request.replace("HTTP/1.1", "HTTP/1.0"));
    await client.ended;
    expect(answersIn(client.received()).map(({ status }) => status)).toEqual([200]);
  });
});
