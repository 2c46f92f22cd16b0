import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { fileURLToPath } from "node:url";
import { startGatewayProcess } from "../support/gateway.ts";
import type { GatewayProcess } from "../support/gateway.ts";
import { untilReady } from "../support/installation.ts";
import { STORES } from "../support/test-store.ts";
import { until } from "../support/until.ts";
import { callErply, ERPLY_RULES, erplySite } from "./erply-site.ts";
import type { ErplyAnswer } from "./erply-site.ts";

/** Shorter than the 5 s for which an edit waits, so that who waits outlives a dead holder. */
const LEASE = "2s";

describe.each(STORES)("style 2, erply.yaml: gateways that die; three processes on %s", (_name, start) => {
  const site = erplySite(start);
  let gateways: GatewayProcess[];
  let held: Map<string, () => void>;
  beforeEach(async () => {
    const env = {
      ONCEGATE_UPSTREAM_URL: site.erply.url,
      ONCEGATE_STORE: site.store.url,
      ONCEGATE_RULES: fileURLToPath(ERPLY_RULES),
      ONCEGATE_LEASE: LEASE,
    };
    gateways = await Promise.all(Array.from({ length: 3 }, () => startGatewayProcess(env)));
    await Promise.all(gateways.map(untilReady));
    await callErply(gateways[0]!.url, { request: "saveSalesDocument", customerID: "7" });
    held = new Map();
    site.erply.before = ({ fields }) =>
      new Promise((resolve) => held.set(fields["notes"] ?? "", () => resolve(undefined)));
  });
  afterEach(() => Promise.all(gateways.map((gateway) => gateway.kill())));

  const edit = (gateway: number, notes: string): Promise<ErplyAnswer | "cut"> =>
    callErply(gateways[gateway]!.url, { request: "saveSalesDocument", id: "101", notes }).catch(() => "cut" as const);
  const arrived = (notes: string) => until(`${notes} is with the API`, () => held.get(notes));
  const end = async (notes: string): Promise<void> => (await arrived(notes))();
  /** Resolves when it stands in the line. */
  const inLine = async (gateway: number): Promise<void> => {
    const entered = /^oncegate_store_seconds_count\{verb="enter",answered="true"\} [1-9]/m;
    await until("it waits", async () =>
      entered.test(await (await fetch(`${gateways[gateway]!.adminUrl}/metrics`)).text()),
    );
  };
  /** Of all operations that the store knows. */
  const states = async (): Promise<string[]> => {
    const { records } = await site.store.open();
    const names = await site.store.names();
    const found = await Promise.all(names.map((name) => records.read(name)));
    return found.flatMap((record) => (record === undefined ? [] : [record.state]));
  };

  test("a holder whose lease ran out makes its operation unknown before the next one enters", async () => {
    const before = (await states()).length;
    const first = edit(0, "first");
    await arrived("first");
    const second = edit(1, "second");
    await inLine(1);
    await gateways[0]!.kill();
    expect(await first).toBe("cut");
    await arrived("second");
    expect((await states()).filter((state) => state === "unknown")).toHaveLength(1);
    await end("second");
    expect(await second).toMatchObject({ errorCode: 0 });
    expect([before, site.erply.documents[0]?.fields["notes"]]).toEqual([1, "second"]);
  });

  test("a waiter that dies does not block the queue", async () => {
    const first = edit(0, "first");
    await arrived("first");
    const second = edit(1, "second");
    await inLine(1);
    const third = edit(2, "third");
    await inLine(2);
    await gateways[1]!.kill();
    expect(await second).toBe("cut");
    await end("first");
    await end("third");
    expect([await first, await third]).toMatchObject([{ errorCode: 0 }, { errorCode: 0 }]);
    expect([held.has("second"), site.erply.documents[0]?.fields["notes"]]).toEqual([false, "third"]);
  });
});
