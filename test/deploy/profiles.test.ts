import { afterEach, describe, expect, test } from "@jest/globals";
import { startGatewayProcess } from "../support/gateway.ts";
import { startSampleApi } from "../support/sample-api.ts";
import { until } from "../support/until.ts";
import { post } from "../e2e/keyed-post.ts";
import { services } from "./compose.ts";
import type { Profile } from "./compose.ts";
import { Rehearsal } from "./rehearsal.ts";

const ending: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end();
});

async function rehearse(profile: Profile): Promise<Rehearsal> {
  const rehearsal = new Rehearsal(profile);
  ending.push(() => rehearsal.close());
  await rehearsal.up();
  return rehearsal;
}

// Only there has a machine more addresses of its own than one.
(process.platform === "linux" ? describe : describe.skip)("what docker-compose.yml starts", () => {
  test("redis: keeps what it acknowledges, for the gateway with the password only", async () => {
    const rehearsal = await rehearse("redis");
    const api = await startSampleApi();
    ending.push(() => api.close());
    const { ONCEGATE_STORE_FILE: file = "" } = services["gateway-redis"]!.environment;
    const gateway = await startGatewayProcess({
      ONCEGATE_UPSTREAM_URL: api.url,
      ONCEGATE_STORE_FILE: rehearsal.here(file),
    });
    ending.push(() => gateway.kill());

    expect((await post(gateway.url, "composed")).status).toBe(201);
    await rehearsal.kill("redis");
    await rehearsal.start("redis");
    await until("the gateway is ready", async () => (await fetch(`${gateway.adminUrl}/ready`)).ok);
    const retry = await post(gateway.url, "composed");
    expect([retry.status, retry.isReplay]).toEqual([201, true]);
    expect(gateway.lines.filter(({ msg }) => msg === "the store may lose what it acknowledged")).toEqual([]);
    expect(await rehearsal.cli("redis", "--pass", "another", "dbsize")).toContain("NOAUTH");
  });

  test("sentinel: a replica takes over, and the old master comes back as a replica", async () => {
    const rehearsal = await rehearse("sentinel");
    const ask = (...command: string[]) =>
      rehearsal.cli("sentinel-1", "-p", "26379", "sentinel", ...command, "oncegate");
    const master = async () => (await ask("get-master-addr-by-name")).split("\n")[0];
    await until("every Sentinel knows the others", async () => (await ask("ckquorum")).startsWith("OK 3 usable"));
    await until("both replicas are known", async () => (await ask("replicas")).match(/^name$/gm)?.length === 2);
    const old = rehearsal.address("sentinel-redis-1");
    expect(await master()).toBe(old);
    expect(await rehearsal.cli("sentinel-redis-1", "wait", "2", "5000")).toBe("2\n");

    await rehearsal.kill("sentinel-redis-1");
    await until("a replica is master", async () => (await master()) !== old);
    await rehearsal.start("sentinel-redis-1");
    const role = async () => (await rehearsal.cli("sentinel-redis-1", "role")).split("\n")[0];
    expect(await until("it is a replica", async () => (await role()) === "slave")).toBe(true);

    // Who is master outlives a stop of everything, and does not wait for a Sentinel to say so.
    const successor = await master();
    const redises = ["sentinel-redis-1", "sentinel-redis-2", "sentinel-redis-3"];
    for (const name of ["sentinel-1", "sentinel-2", "sentinel-3", ...redises]) await rehearsal.kill(name);
    for (const name of redises) await rehearsal.start(name);
    const roles = await Promise.all(redises.map(async (name) => (await rehearsal.cli(name, "role")).split("\n")[0]));
    expect(redises.filter((_, i) => roles[i] === "master").map((name) => rehearsal.address(name))).toEqual([successor]);
  }, 120_000);

  test("cluster: three masters serve every slot, each with a replica, and is still one after a stop of everything", async () => {
    const rehearsal = await rehearse("cluster");
    const nodes = ["cluster-1", "cluster-2", "cluster-3", "cluster-4", "cluster-5", "cluster-6"];
    const roles = () => Promise.all(nodes.map(async (name) => (await rehearsal.cli(name, "role")).split("\n")[0]!));
    expect((await roles()).toSorted()).toEqual(["master", "master", "master", "slave", "slave", "slave"]);
    expect(await rehearsal.cli("cluster-1", "cluster", "info")).toMatch(/cluster_slots_ok:16384\b/);

    // As when the machine starts again: the addresses are the same, and so is the cluster.
    await Promise.all(nodes.map((name) => rehearsal.kill(name)));
    await Promise.all(nodes.map((name) => rehearsal.start(name)));
    await rehearsal.start("form-cluster");
    expect((await roles()).toSorted()).toEqual(["master", "master", "master", "slave", "slave", "slave"]);
    expect((await rehearsal.cli("cluster-1", "cluster", "nodes")).trim().split("\n")).toHaveLength(6);
  }, 120_000);
});
