import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { z } from "zod";

/** What the tests look at; whether the rest is what Compose understands is the schema's matter. */
const Service = z.looseObject({
  profiles: z.array(z.string()).optional(),
  image: z.string(),
  build: z.object({ context: z.literal("."), target: z.string() }).optional(),
  user: z.string().optional(),
  command: z.array(z.string()).default([]),
  environment: z.record(z.string(), z.string()).default({}),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  networks: z.union([z.array(z.string()), z.record(z.string(), z.object({ ipv4_address: z.string() }))]).default([]),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
  restart: z.string(),
  stop_grace_period: z.string().optional(),
  mem_limit: z.string().optional(),
});
export type Service = z.infer<typeof Service>;

const Compose = z.looseObject({
  services: z.record(z.string(), Service),
  volumes: z.record(z.string(), z.unknown()),
  networks: z.record(z.string(), z.object({ internal: z.boolean().optional() }).loose().nullable()),
});

export const PROFILES = ["embedded", "redis", "sentinel", "cluster"] as const;
export type Profile = (typeof PROFILES)[number];

const FILE = fileURLToPath(new URL("../../docker-compose.yml", import.meta.url));

/** docker-compose.yml as Compose reads it: anchors and merges resolved. */
export const plain: unknown = parse(readFileSync(FILE, "utf8"), { merge: true, maxAliasCount: -1 });
export const { services, volumes, networks } = Compose.parse(plain);

/** What `docker compose --profile NAME up` starts. */
export function servicesOf(profile: Profile): [name: string, service: Service][] {
  return Object.entries(services).filter(([, { profiles }]) => profiles === undefined || profiles.includes(profile));
}

export const isGateway = ({ build }: Service): boolean => build?.target === "gateway";
export const isJob = ({ restart }: Service): boolean => restart === "no";
