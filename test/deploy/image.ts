import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, cpSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { DockerfileParser } from "dockerfile-ast";
import type { Copy, Env, From, Instruction, Label } from "dockerfile-ast";

/** What a stage of the Dockerfile makes, without an engine: a folder that stands for "/", and how to run what is in it. */
export type Image = {
  root: string;
  base: string;
  workdir: string;
  env: Record<string, string>;
  labels: Record<string, string>;
  user: string;
  volumes: string[];
  ports: string[];
  stopSignal: string;
  /** Empty where there is none, and where it is not in the exec form. */
  healthcheck: string[];
  entrypoint: string[];
};

const CONTEXT = fileURLToPath(new URL("../..", import.meta.url));

/** Root in the test as in a build; anybody else cannot give files away, and runs everything as himself. */
const [me, mine] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];

export function instructions(): Instruction[] {
  return DockerfileParser.parse(readFileSync(join(CONTEXT, "Dockerfile"), "utf8")).getInstructions();
}

/** Carries out the Dockerfile's own instructions, each stage in a folder below `folder`. */
export function buildImages(folder: string): Map<string, Image> {
  chmodSync(folder, 0o755); // another user is to run in it
  const stages = new Map<string, Image>();
  let image: Image | undefined;
  for (const instruction of instructions()) {
    if (instruction.getKeyword() === "FROM") image = begin(instruction as From, stages, folder);
    else if (image === undefined) continue; // an ARG for FROM
    else obey(instruction, image, stages);
  }
  return stages;
}

function begin(from: From, stages: Map<string, Image>, folder: string): Image {
  const [parentName = ""] = words(from);
  const [name, parent] = [from.getBuildStage() ?? `stage-${stages.size}`, stages.get(parentName)];
  const root = join(folder, name);
  // Not cpSync: it does not keep the owner.
  if (parent) execFileSync("cp", ["-a", parent.root, root]);
  else installNode(root);
  const image = { ...(parent ?? EMPTY), root, base: parent?.base ?? parentName };
  stages.set(name, image);
  return image;
}

const EMPTY: Omit<Image, "root" | "base"> = {
  workdir: "/",
  env: {},
  labels: {},
  user: "0:0",
  volumes: [],
  ports: [],
  stopSignal: "",
  healthcheck: [],
  entrypoint: [],
};

/** The base image is a Node: the one that runs the tests stands for it, readable for every user. */
function installNode(root: string): void {
  mkdirSync(join(root, "usr/local/bin"), { recursive: true });
  copyFileSync(process.execPath, join(root, "usr/local/bin/node"));
}

function obey(instruction: Instruction, image: Image, stages: ReadonlyMap<string, Image>): void {
  const [first = ""] = words(instruction);
  switch (instruction.getKeyword()) {
    case "ARG":
      return;
    case "ENV":
      image.env = { ...image.env, ...properties(instruction as Env) };
      return;
    case "LABEL":
      image.labels = { ...image.labels, ...properties(instruction as Label) };
      return;
    case "WORKDIR":
      image.workdir = resolve(image.workdir, first);
      mkdirSync(inside(image, "."), { recursive: true });
      return;
    case "COPY":
      return copy(instruction as Copy, image, stages);
    case "RUN":
      return run(instruction.getArgumentsContent() ?? "", image);
    case "USER":
      image.user = first;
      return;
    case "VOLUME":
      image.volumes = [...image.volumes, first];
      return;
    case "EXPOSE":
      image.ports = [...image.ports, first];
      return;
    case "STOPSIGNAL":
      image.stopSignal = first;
      return;
    case "HEALTHCHECK":
      image.healthcheck = execForm(instruction);
      return;
    case "ENTRYPOINT":
      image.entrypoint = execForm(instruction);
      return;
    default:
      throw new Error(`the rehearsal does not know ${instruction.getKeyword()}`);
  }
}

const words = (instruction: Instruction): string[] =>
  instruction.getExpandedArguments().map((argument) => argument.getValue());

function properties(instruction: Env | Label): Record<string, string> {
  return Object.fromEntries(
    instruction.getProperties().map((property) => [property.getName(), property.getValue() ?? ""]),
  );
}

function execForm(instruction: Instruction): string[] {
  const text = instruction.getRawArgumentsContent() ?? "";
  const list = /^(?:CMD\s+)?(\[.*\])$/s.exec(text)?.[1];
  return list === undefined ? [] : (JSON.parse(list) as string[]);
}

/** A path of the image as one of this machine. */
export function inside(image: Image, path: string): string {
  return join(image.root, resolve(image.workdir, path));
}

function copy(instruction: Copy, image: Image, stages: ReadonlyMap<string, Image>): void {
  const from = instruction.getFromFlag()?.getValue() ?? undefined;
  const [target = "", ...sources] = words(instruction).toReversed();
  for (const source of sources) {
    if (from === undefined) assertInContext(source);
    const path = from === undefined ? join(CONTEXT, source) : inside(stages.get(from)!, source);
    const isFolder = statSync(path).isDirectory();
    const place = target.endsWith("/") && !isFolder ? join(target, basename(source)) : target;
    cpSync(path, inside(image, place), { recursive: true });
  }
}

/** .dockerignore lets in by name what the Dockerfile copies; what it does not name never reaches a build. */
function assertInContext(source: string): void {
  const [everything, ...exceptions] = readFileSync(join(CONTEXT, ".dockerignore"), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  if (everything !== "*" || !exceptions.includes(`!${source}`)) throw new Error(`.dockerignore keeps ${source} out`);
}

/** An installation takes seconds, and on a bad connection to the registry a minute. */
const RUN_WITHIN_MS = 150_000;

function run(script: string, image: Image): void {
  const below = script.replaceAll(/(?<=^|\s)\/(?=\w)/g, `${image.root}/`).replaceAll("1000:1000", ownerOf("1000:1000"));
  const { status, stderr } = spawnSync("sh", ["-ec", below], {
    cwd: inside(image, "."),
    env: { ...outside(), ...image.env, PATH: pathOf(image) },
    encoding: "utf8",
    timeout: RUN_WITHIN_MS,
  });
  if (status !== 0) throw new Error(`RUN ${script}\n${stderr}`);
}

/** Without what the npm that runs the tests tells its programs: it would mean the one in the build, too. */
export function outside(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_|^NODE_ENV$|^INIT_CWD$/.test(name)));
}

export const pathOf = (image: Image): string => `${join(image.root, "usr/local/bin")}:${process.env["PATH"]}`;

export const ownerOf = (user: string): string => (me === 0 ? user : `${me}:${mine}`);
