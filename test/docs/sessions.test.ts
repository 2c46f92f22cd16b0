import { beforeEach, describe, expect, test } from "@jest/globals";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import type { OpenGateway } from "../support/open-gateway.ts";
import { STORES } from "../support/test-store.ts";
import { until } from "../support/until.ts";
import { efakturuj, WELL } from "../styles/efakturuj-api.ts";
import type { Behaviour } from "../styles/efakturuj-api.ts";
import { erplySite } from "../styles/erply-site.ts";
import { answerJson, style } from "../styles/style.ts";
import type { Api } from "../styles/style.ts";
import { fromRoot } from "./named.ts";
import { session } from "./session.ts";

/** Every page's session with curl, typed again: nothing on it may be what nobody would see. */
const hasCurl = spawnSync("curl", ["--version"]).status === 0;

/** A call that is held at the API, until another one is refused on its account. */
let arrived: PromiseWithResolvers<() => void>;
beforeEach(() => {
  arrived = Promise.withResolvers();
});
const REFUSED = /"outcome":"(?:operation-in-flight|document-deleting)"/;

/** Types it again; `now` must be what was `said`. */
function retype(page: string, gateway: OpenGateway, apiUrl: string): ReturnType<typeof session> {
  void arrived.promise.then(async (end) => {
    await until("one is refused", () => gateway.lines.some((line) => REFUSED.test(line)));
    end();
  });
  return session({ style: page, gatewayUrl: gateway.url, apiUrl, store: gateway.store });
}
const tellsOfArrival =
  (api: Api): Api =>
  (request, res, made) =>
    request.path === "/arrived" ? void arrived.promise.then(() => res.end()) : api(request, res, made);

const numbered =
  (answer: (n: number) => object): Api =>
  ({ body }, res, made) => {
    made.push(body);
    answerJson(res, 201, answer(made.length));
  };
const failing =
  (status: number, code: string): Behaviour =>
  ({ res }) =>
    answerJson(res, status, { error: { code } });

const APIS: Record<string, Api> = {
  sovos: numbered((n) => ({ documentId: `doc-${n}` })),
  openbanking: numbered((n) => ({ Data: { ConsentId: `consent-${n}`, Status: "AwaitingAuthorisation" } })),
  ietf: (request, res, made) => {
    const pay = () => numbered((payment) => ({ payment }))(request, res, made);
    if (request.body.includes("slow")) arrived.resolve(pay);
    else pay();
  },
  stripe: ({ body }, res, made) => {
    const amount = Number(new URLSearchParams(body).get("amount"));
    made.push(amount);
    if (amount === 502) res.writeHead(502).end("bad gateway");
    else answerJson(res, 200, { id: `ch_${made.length}`, amount });
  },
  jsonrpc: ({ body }, res, made) => {
    made.push(body);
    const { id } = JSON.parse(body) as { id: number };
    answerJson(res, 200, { jsonrpc: "2.0", id, result: { invoice: made.length } });
  },
  efakturuj: (request, res, made) => {
    const broken: Behaviour = (work) => {
      work.make();
      failing(500, "internal")(work);
    };
    const { body } = request;
    const behaves = body.includes("unreachable")
      ? failing(502, "peppol_delivery_failed")
      : body.includes("broken")
        ? broken
        : WELL;
    efakturuj(() => behaves)(request, res, made);
  },
};

(hasCurl ? describe : describe.skip)("the session of the page", () => {
  describe.each(Object.entries(APIS))("%s", (name, api) => {
    const one = style(`${name}.yaml`, tellsOfArrival(api));
    test("prints what the page says", async () => {
      const { said, now } = await retype(name, one.gateway, one.apiUrl);
      expect(now).toEqual(said);
    });
  });

  describe("erply", () => {
    const site = erplySite(STORES[0]![1]);
    test("prints what the page says", async () => {
      await site.open();
      site.erply.before = ({ request }) => {
        if (request === "") return arrived.promise; // GET /arrived
        return request === "deleteSalesDocument"
          ? new Promise((end) => arrived.resolve(() => end(undefined)))
          : undefined;
      };
      const { said, now } = await retype("erply", site.gateways[0]!, site.erply.url);
      expect(now).toEqual(said);
    });
  });
});

test("no page is left out", () => {
  const pages = readdirSync(fromRoot("docs/rules")).map((file) => file.replace(".md", ""));
  expect(new Set([...Object.keys(APIS), "erply"])).toEqual(new Set(pages));
});
