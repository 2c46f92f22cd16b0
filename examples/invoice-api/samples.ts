import { createHash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { gzipSync } from "node:zlib";
import { raw, Router, type Request } from "express";
import { bytes, empty, json, problem, type Answer } from "./answer.ts";
import { operation } from "./faults.ts";
import { pdf } from "./pdf.ts";
import { reading } from "./reading.ts";

// Well above what the gateway stores by default, and still small enough to build at once.
const LARGEST_ANSWER = 64 * 1024 * 1024;

/** Answers of every shape on request, for showing that they arrive byte for byte. */
export function sampleRoutes(database: DatabaseSync): Router {
  const routes = Router();
  routes.post("/", raw({ type: () => true, limit: "64mb" }), operation(create(database)));
  routes.get("/", reading(list(database)));
  return routes;
}

function create(database: DatabaseSync) {
  return (request: Request): Answer => {
    const asked = request.get("x-sample-answer") ?? "json";
    const shape = shapeNamed(asked);
    if (!shape) return problem(400, "Unknown sample", `x-sample-answer cannot be "${asked}". Nothing was created.`);
    const body: unknown = request.body;
    const received = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
    const { lastInsertRowid } = database
      .prepare("INSERT INTO samples (answer, bytes, sha256) VALUES (?, ?, ?)")
      .run(asked, received.length, createHash("sha256").update(received).digest("hex"));
    return shape(Number(lastInsertRowid));
  };
}

/** Every shape but `empty` and `large` carries the row's id, so that two creations never answer the same bytes. */
type Shape = (id: number) => Answer;

const shapes: Readonly<Record<string, Shape>> = {
  json: (id) => json(201, { id }, [["Location", `/samples/${id}`]]),
  pdf: (id) => bytes(201, "application/pdf", pdf([`Sample ${id}`])),
  gzip: (id) => bytes(201, "application/json", gzipSync(JSON.stringify({ id })), [["Content-Encoding", "gzip"]]),
  empty: () => empty(204),
  chunked: (id) => ({ ...json(201, { id, text: "in three chunks" }), framing: "chunked" }),
  "repeated-headers": (id) => json(201, { id }, repeated),
  latin1: (id) => json(201, { id }, [["X-Sample-Name", "Caf\xe9 Z\xfcrich \xa7\xff"]]),
};

// Interleaved on purpose: grouping them by name would be a change.
const repeated: Answer["headers"] = [
  ["X-Sample-Note", "first"],
  ["Set-Cookie", "session=one; Path=/"],
  ["X-Sample-Note", "second"],
  ["Set-Cookie", "theme=dark; Path=/"],
  ["Link", '</samples?page=2>; rel="next"'],
  ["Link", '</samples?page=9>; rel="last"'],
];

function shapeNamed(asked: string): Shape | undefined {
  const size = /^large:(\d{1,9})$/.exec(asked)?.[1];
  if (size !== undefined && Number(size) <= LARGEST_ANSWER) {
    return () => bytes(201, "application/octet-stream", Buffer.alloc(Number(size), "0123456789abcdef"));
  }
  return Object.hasOwn(shapes, asked) ? shapes[asked] : undefined;
}

function list(database: DatabaseSync) {
  return (): Answer => {
    const samples = database.prepare("SELECT id, answer, bytes, sha256 FROM samples ORDER BY id").all();
    return json(200, { count: samples.length, samples });
  };
}
