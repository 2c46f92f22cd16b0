import { beforeEach, describe, expect, test } from "@jest/globals";
import { hasPython, inTypeScript, python } from "./documented-client.ts";
import type { Client } from "./documented-client.ts";
import { efakturuj, WELL } from "./efakturuj-api.ts";
import type { Behaviour } from "./efakturuj-api.ts";
import { style } from "./style.ts";

let behaves: Behaviour;
beforeEach(() => {
  behaves = WELL;
});
const api = style(
  "efakturuj.yaml",
  efakturuj(() => (work) => behaves(work)),
);

const INVOICE = { invoice_number: "2026-0001", issue_date: "2026-11-22", total: "120.00" };
/** A 2xx, with the one invoice that there is. */
const ONE = [201, "inv_1", 1];
const after =
  (ms: number): Behaviour =>
  ({ make, created }) => {
    const made = make(); // first, as a slow API does: whoever gives up has an invoice all the same
    setTimeout(() => created(made), ms);
  };

/** Real clocks: the client's 30 s are the point. */
const WITHIN_MS = 150_000;

const CLIENTS: [string, Client][] = [["its behaviour in TypeScript", inTypeScript]];
if (hasPython()) CLIENTS.unshift(["post_with_retry.py", python]);

describe.each(CLIENTS)("the documented client, unchanged: %s", (_, client) => {
  const post = (isRequestIdOnly = false) => client(`${api.gateway.url}/invoices`, INVOICE, isRequestIdOnly);
  const seen = ({ status, document }: Awaited<ReturnType<Client>>) => [status, document["id"], api.made.length];

  test("against an API that takes 2 s: one invoice and a 2xx", async () => {
    behaves = after(2_000);
    expect(seen(await post())).toEqual(ONE);
  });

  test(
    "against an API that takes 33 s: one invoice and in the end a 2xx",
    async () => {
      behaves = after(33_000);
      expect(seen(await post())).toEqual(ONE);
    },
    WITHIN_MS,
  );

  test("against an API that resets the connection after it created the invoice: one invoice and in the end a 2xx", async () => {
    let calls = 0;
    behaves = ({ make, res }) => {
      calls++;
      make();
      res.socket?.resetAndDestroy();
    };
    expect([...seen(await post()), calls]).toEqual([...ONE, 1]);
  });

  test(
    "the version that sends only X-Request-Id, against one that takes 33 s: one invoice and in the end a 2xx",
    async () => {
      behaves = after(33_000);
      expect(seen(await post(true))).toEqual(ONE);
    },
    WITHIN_MS,
  );
});
