import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { expectProblem } from "../support/expect-problem.ts";
import { startGatewayProcess } from "../support/gateway.ts";
import type { GatewayProcess } from "../support/gateway.ts";
import { openRaw, wholeAnswer } from "../e2e/raw-bytes.ts";
import { install, Order, portOf, untilReady } from "../support/installation.ts";
import type { Installation } from "../support/installation.ts";
import { STORES } from "../support/test-store.ts";
import { until } from "../support/until.ts";

/** The last row of DESIGN's table (section 3): SIGTERM, with a real process. */
describe.each(STORES)("on %s", (_, startStore) => {
  let site: Installation;
  let stopping: GatewayProcess | undefined;
  beforeAll(async () => {
    site = await install(startStore);
  });
  afterAll(async () => {
    await stopping?.kill();
    await site.close();
  });

  const start = async (env: Record<string, string> = {}): Promise<GatewayProcess> => {
    stopping = await startGatewayProcess({
      ONCEGATE_UPSTREAM_URL: site.held.url,
      ONCEGATE_STORE: site.store.url,
      ...env,
    });
    await untilReady(stopping);
    return stopping;
  };
  const isStopping = (gateway: GatewayProcess) => gateway.logged(({ msg }) => msg.startsWith("stopping"));

  test("SIGTERM: not ready at once, still accepting, what runs ends and is stored, exit code 0", async () => {
    const [gateway, running, arriving] = [await start(), new Order(site.api), new Order(site.api)];
    const first = running.post(gateway);
    const one = await site.held.arrived(running.key);
    gateway.signal("SIGTERM");
    await isStopping(gateway);
    const ready = await fetch(`${gateway.adminUrl}/ready`);
    expect([ready.status, await ready.json()]).toEqual([503, { status: "draining" }]);

    const second = arriving.post(gateway);
    (await site.held.arrived(arriving.key)).created({ id: 2 });
    expect(await second).toMatchObject({ status: 201, fields: { id: 2 } });
    expect((await second).headers.get("connection")).toBe("close");

    const passing = fetch(`${gateway.url}/v1/documents`, { headers: { "x-test": arriving.number } });
    (await site.held.arrived(arriving.number)).answer(200);
    expect([(await passing).status, (await passing).headers.get("connection")]).toEqual([200, "close"]);

    one.created({ id: 1 });
    expect(await first).toMatchObject({ status: 201, fields: { id: 1 } });
    expect(await gateway.exited).toBe(0);
    for (const [order, id] of [
      [running, 1],
      [arriving, 2],
    ] as const) {
      expect(await order.post(site.holding)).toMatchObject({ status: 201, replayed: true, fields: { id } });
      expect(site.held.count(order.key)).toBe(1);
    }
  });

  test("an operation that its client was told still runs is waited for too, and stored", async () => {
    const [gateway, order] = [await start({ ONCEGATE_CLIENT_WAIT: "1s" }), new Order(site.api)];
    expectProblem(await order.post(gateway), "still-running", 504);
    gateway.signal("SIGINT"); // takes nothing more from now on
    await until("it takes no more connections", () => isRefused(portOf(gateway)));
    (await site.held.arrived(order.key)).created({ id: 3 });
    expect(await gateway.exited).toBe(0);
    expect(await order.post(site.holding)).toMatchObject({ status: 201, replayed: true, fields: { id: 3 } });
  });

  test("an operation that comes while the last one ends is waited for too, until its client has the answer", async () => {
    const [gateway, last, late] = [
      await start({ ONCEGATE_CLIENT_WAIT: "3s" }),
      new Order(site.api),
      new Order(site.api),
    ];
    const early = await openRaw(gateway.url);
    early.send("POST /invoices HTTP/1.1\r\nHost: h\r\n");
    expectProblem(await last.post(gateway), "still-running", 504);
    gateway.signal("SIGINT");
    await until("it takes no more connections", () => isRefused(portOf(gateway)));
    const fields = [`x-idempotency-key: ${late.key}`, `x-test: ${late.key}`, "content-type: application/json"];
    early.send([...fields, `Content-Length: ${late.body().length}`, "", late.body()].join("\r\n"));
    const arrival = await site.held.arrived(late.key);
    (await site.held.arrived(last.key)).created({ id: 4 });
    arrival.created({ id: 5 });
    expect(await gateway.exited).toBe(0);
    expect(await early.ended).toBe("FIN");
    expect(wholeAnswer(early.received())).toMatchObject({ status: 201 });
    expect(await late.post(site.holding)).toMatchObject({ status: 201, replayed: true, fields: { id: 5 } });
  });

  test("SIGTERM: what does not end within the grace becomes unknown", async () => {
    const [gateway, order] = [await start({ ONCEGATE_SHUTDOWN_GRACE: "1s" }), new Order(site.api)];
    const first = order.post(gateway).catch(() => "cut");
    await site.held.arrived(order.key);
    gateway.signal("SIGTERM");
    expect(await gateway.exited).toBe(0);
    await first;
    const retry = await order.post(site.holding);
    expectProblem(retry, "outcome-unknown", 409);
    expect([retry.fields["reason"], site.held.count(order.key)]).toEqual(["shutdown", 1]);
  });

  test("SIGTERM: whoever still waits when the grace is over is told that it is unknown", async () => {
    const [gateway, order] = [await start({ ONCEGATE_SHUTDOWN_GRACE: "1s" }), new Order(site.api)];
    const first = order.post(gateway).catch(() => undefined);
    await site.held.arrived(order.key);
    gateway.signal("SIGTERM");
    const answer = await first;
    expect(answer).toBeDefined();
    expectProblem(answer!, "outcome-unknown", 502);
    expect(answer!.fields["reason"]).toBe("shutdown");
    expect(await gateway.exited).toBe(0);
  });
});

async function isRefused(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  const refused = await once(socket, "connect").then(
    () => false,
    () => true,
  );
  socket.destroy();
  return refused;
}
