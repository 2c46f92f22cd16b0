import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { loadSettings } from "../../src/config/load.ts";
import type { Settings } from "../../src/config/settings.ts";
import { openGateway } from "../support/open-gateway.ts";
import type { OpenGateway } from "../support/open-gateway.ts";

const Labels = z.record(z.string(), z.string());
const Probe = z.looseObject({ httpGet: z.strictObject({ path: z.string(), port: z.string() }) });
const Deployment = z.object({
  kind: z.literal("Deployment"),
  spec: z.object({
    selector: z.object({ matchLabels: Labels }),
    template: z.object({
      metadata: z.object({ labels: Labels }),
      spec: z.object({
        terminationGracePeriodSeconds: z.number(),
        securityContext: z.object({ runAsUser: z.number() }).loose(),
        containers: z.tuple([
          z.object({
            image: z.string(),
            env: z.array(z.strictObject({ name: z.string(), value: z.string() })),
            ports: z.array(z.strictObject({ name: z.string(), containerPort: z.number() })),
            livenessProbe: Probe,
            readinessProbe: Probe,
            securityContext: z.looseObject({}),
            volumeMounts: z.array(
              z.object({ name: z.string(), mountPath: z.string(), readOnly: z.boolean().optional() }),
            ),
          }),
        ]),
        volumes: z.array(z.looseObject({ name: z.string() })),
      }),
    }),
  }),
});
const Service = z.object({
  kind: z.literal("Service"),
  spec: z.object({ selector: Labels, ports: z.array(z.looseObject({ targetPort: z.string() })) }),
});

const FILE = fileURLToPath(new URL("../../deploy/kubernetes/oncegate.yaml", import.meta.url));
const documents = parseAllDocuments(readFileSync(FILE, "utf8")).map((document): unknown => document.toJS());
const deployment = Deployment.parse(documents[0]).spec;
const service = Service.parse(documents[1]).spec;
const pod = deployment.template.spec;
const [container] = pod.containers;

/** What its environment means to the program; the Secret has a store and a token. */
function settings(): Settings {
  const files = (path: string): string => (path.endsWith("/store") ? "redis://redis:6379" : "0123456789abcdef");
  const env = Object.fromEntries(container.env.map(({ name, value }) => [name, value]));
  const loaded = loadSettings({ NODE_ENV: "production", ...env }, files);
  if (loaded.kind === "refused") throw new Error(loaded.message);
  return loaded.settings;
}

test("the environment is one that the program starts with", () => {
  expect(settings()).toMatchObject({ ONCEGATE_STORE: "redis://redis:6379", ONCEGATE_ADMIN_TOKEN: "0123456789abcdef" });
  const mounted = container.volumeMounts.filter(({ readOnly }) => readOnly).map(({ mountPath }) => mountPath);
  const files = container.env.filter(({ name }) => name.endsWith("_FILE"));
  expect(files.filter(({ value }) => !mounted.some((path) => value.startsWith(`${path}/`)))).toEqual([]);
});

test("a pod is given longer to stop than it may take", () => {
  expect(pod.terminationGracePeriodSeconds * 1_000).toBeGreaterThan(settings().ONCEGATE_SHUTDOWN_GRACE + 5_000);
});

test("a pod cannot write, gain rights, or run as root, and is the image's user", () => {
  expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } });
  expect(container.securityContext).toEqual({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
  });
  const dockerfile = readFileSync(fileURLToPath(new URL("../../Dockerfile", import.meta.url)), "utf8");
  expect(dockerfile).toContain(`USER ${pod.securityContext.runAsUser}:`);
});

test("the pieces find each other", () => {
  expect(deployment.template.metadata.labels).toEqual(deployment.selector.matchLabels);
  expect(service.selector).toEqual(deployment.selector.matchLabels);
  const ports = new Map(container.ports.map(({ name, containerPort }) => [name, containerPort]));
  expect(service.ports.map(({ targetPort }) => ports.get(targetPort))).toEqual([settings().ONCEGATE_LISTEN.port]);
  for (const { httpGet } of [container.livenessProbe, container.readinessProbe])
    expect(ports.get(httpGet.port)).toBe(settings().ONCEGATE_ADMIN_LISTEN.port);
  expect(new Set(container.volumeMounts.map(({ name }) => name))).toEqual(new Set(pod.volumes.map(({ name }) => name)));
  const { version } = JSON.parse(
    readFileSync(fileURLToPath(new URL("../../package.json", import.meta.url)), "utf8"),
  ) as { version: string };
  expect(container.image).toBe(`oncegate:${version}`);
});

let gateway: OpenGateway;
beforeAll(async () => {
  gateway = await openGateway({ ONCEGATE_UPSTREAM_URL: "http://127.0.0.1:9" });
});
afterAll(() => gateway.close());

test("the probes ask what the admin port answers, without a token", async () => {
  const paths = [container.livenessProbe, container.readinessProbe].map(({ httpGet }) => httpGet.path);
  expect(paths).toEqual(["/live", "/ready"]);
  const answers = await Promise.all(paths.map((path) => fetch(gateway.adminUrl + path)));
  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
});
