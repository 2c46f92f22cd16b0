import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { IncomingMessage, ServerResponse } from "node:http";
import { recordingUpstream } from "../e2e/recording-upstream.ts";
import type { RecordingUpstream } from "../e2e/recording-upstream.ts";
import { expectProblem } from "../support/expect-problem.ts";
import { send, untilReady } from "../support/installation.ts";
import type { Answer } from "../support/installation.ts";
import { openGateway } from "../support/open-gateway.ts";
import type { OpenGateway } from "../support/open-gateway.ts";

/** An API that knows its callers by something else than Authorization, X-Api-Key or Cookie: a session in the form, here. */
const RULE = {
  name: "create",
  match: { methods: ["POST"], path: "/api/**", body: { request: "save" } },
  key: { from: ["body:uuid"] },
  scope: ["body:clientCode"],
  fingerprint: { ignore: ["body:sessionKey"] },
  credential: ["body:sessionKey"],
};
const SECRET = "the-session-of-the-customer";

let upstream: RecordingUpstream;
let gateway: OpenGateway | undefined;
let executed: number;
let asked: IncomingMessage[];
let answer: (req: IncomingMessage, res: ServerResponse) => void;
beforeEach(async () => {
  upstream = await recordingUpstream();
  executed = 0;
  asked = [];
  answer = (_req, res) => void res.writeHead(204).end();
  upstream.answer = (req, res) => {
    req.resume();
    if (req.method === "POST") return void res.writeHead(200).end(`invoice ${++executed}`);
    asked.push(req);
    answer(req, res);
  };
});
afterEach(async () => {
  await gateway?.close();
  gateway = undefined;
  await upstream.close();
});

async function withRule(differing: object): Promise<void> {
  const rules = JSON.stringify({ version: 1, rules: [{ ...RULE, ...differing }] });
  gateway = await openGateway({ ONCEGATE_UPSTREAM_URL: upstream.url }, { rules });
  await untilReady(gateway);
}
const FORM = { "content-type": "application/x-www-form-urlencoded" };
const post = (more: string, headers: Record<string, string> = {}): Promise<Answer> =>
  send(`${gateway!.url}/api/`, { headers: { ...FORM, ...headers }, body: `request=save&clientCode=1&uuid=u${more}` });
const postAs = (session: string): Promise<Answer> => post(`&sessionKey=${session}`);

describe("a credential in the body", () => {
  test("who knows scope and key and not the session is not shown what is stored", async () => {
    await withRule({});
    expect(String((await postAs(SECRET)).body)).toBe("invoice 1");
    const stranger = await postAs("guessed");
    expectProblem(stranger, "credential-changed");
    expect(String(stranger.body)).not.toContain("invoice");
    for (const without of ["", "&sessionKey=", `&sessionKey=${SECRET}&sessionKey=`]) {
      const nobody = await post(without);
      expectProblem(nobody, "scope-missing");
      expect(String(nobody.body)).not.toContain("invoice");
    }
    const own = await postAs(SECRET);
    expect([own.replayed, String(own.body), executed]).toEqual([true, "invoice 1", 1]);
  });

  test("nobody who has none is let in to be the first: the next one without would be the same caller", async () => {
    await withRule({});
    expectProblem(await post(""), "scope-missing");
    expectProblem(await post("", { authorization: "Bearer a" }), "scope-missing");
    expect(executed).toBe(0);
  });

  test("stands in no log line, whatever becomes of its request", async () => {
    await withRule({});
    for (const session of [SECRET, SECRET, "other", `${SECRET}&sessionKey=${SECRET}`]) await postAs(session);
    expect(gateway!.lines.length).toBeGreaterThan(3);
    expect(gateway!.lines.join("\n")).not.toContain(SECRET);
  });

  test("a new session of the customer sees the answer after the API's yes, which is asked with that session", async () => {
    await withRule({
      authorize: {
        request: {
          path: "/customers/{body:clientCode}/me",
          headers: { "X-Session": "body:sessionKey", "x-app": "header:x-app" },
        },
      },
    });
    answer = (req, res) => void res.writeHead(req.headers["x-session"] === "stolen" ? 401 : 200).end();
    await postAs("first");
    const rotated = await postAs("second");
    expect([rotated.replayed, String(rotated.body), executed]).toEqual([true, "invoice 1", 1]);
    const stolen = await postAs("stolen");
    expect([stolen.status, stolen.code]).toEqual([409, "credential-changed"]);
    expect(asked.map(({ url, headers }) => [url, headers["x-session"], headers["x-app"]])).toEqual([
      ["/customers/1/me", "second", undefined],
      ["/customers/1/me", "stolen", undefined],
    ]);
  });

  test("what no header can hold is asked about with nothing else in its place", async () => {
    await withRule({
      authorize: { request: { path: "/customers/{body:clientCode}", headers: { "x-session": "body:sessionKey" } } },
    });
    await postAs("first");
    for (const session of ["a%0d%0ax-session: first", "%C3%A4", " a"])
      expect((await postAs(session)).code).toBe("upstream-unreachable");
    expect([asked.length, executed]).toEqual([0, 1]);
  });

  test("a trusted scope needs no other", async () => {
    await withRule({ scope: ["header:x-tenant"], trustScope: true });
    await post("&sessionKey=first", { "x-tenant": "t" });
    expect((await post("&sessionKey=second", { "x-tenant": "t" })).replayed).toBe(true);
  });
});

describe("a credential in a header of its own name", () => {
  const HEADER = { credential: ["header:x-session"], fingerprint: {} };

  test("is compared, and is one", async () => {
    await withRule(HEADER);
    await post("", { "x-session": "a" });
    expectProblem(await post("", { "x-session": "b" }), "credential-changed");
    expectProblem(await post(""), "scope-missing");
    expect([(await post("", { "x-session": "a" })).replayed, executed]).toEqual([true, 1]);
  });

  test.each(["X_Session", "x.session"])("and %s, which an API could take for it, is refused", async (name) => {
    await withRule(HEADER);
    expectProblem(await post("", { "x-session": "a", [name]: "b" }), "bad-request");
    expect(executed).toBe(0);
  });

  test("goes along with a question by itself", async () => {
    await withRule({
      ...HEADER,
      scope: ["header:x-org"],
      authorize: { request: { path: "/me" } },
    });
    await post("", { "x-session": "a", "x-org": "1" });
    expect((await post("", { "x-session": "b", "x-org": "1" })).replayed).toBe(true);
    expect(asked.map(({ headers }) => [headers["x-session"], headers["x-org"]])).toEqual([["b", "1"]]);
  });
});
