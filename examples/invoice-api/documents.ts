import { randomUUID } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { json as parseJson, Router, type Request, type RequestHandler } from "express";
import { z } from "zod";
import { json, problem, send, type Answer } from "./answer.ts";
import { operation } from "./faults.ts";
import { reading } from "./reading.ts";

const submission = z.object({
  data: z.base64().min(1),
  dataEncoding: z.literal("base64").default("base64"),
});

/** The tax API's way of taking a document: base64 in JSON, for callers that name themselves. */
export function documentRoutes(database: DatabaseSync): Router {
  const routes = Router();
  routes.use(requireAuthorization);
  routes.post("/", parseJson({ limit: "32mb" }), operation(create(database)));
  routes.get("/", reading(list(database)));
  return routes;
}

const requireAuthorization: RequestHandler = (request, response, next) => {
  if (request.headers.authorization) return next();
  const answer = problem(401, "Authorization required", "Send an Authorization header.");
  send(response, { ...answer, headers: [...answer.headers, ["WWW-Authenticate", "Bearer"]] });
};

function create(database: DatabaseSync) {
  return (request: Request): Answer => {
    const checked = submission.safeParse(request.body);
    if (!checked.success) {
      const errors = checked.error.issues.map(({ path, message }) => ({ field: path.join("."), message }));
      return problem(400, "Invalid document", "Nothing was submitted. Correct the listed fields.", errors);
    }
    const documentId = randomUUID();
    database
      .prepare("INSERT INTO documents (document_id, data, created_at) VALUES (?, ?, ?)")
      .run(documentId, Buffer.from(checked.data.data, "base64"), new Date().toISOString());
    return json(201, { documentId });
  };
}

function list(database: DatabaseSync) {
  return (): Answer => {
    const documents = database
      .prepare(
        `SELECT document_id AS documentId, length(data) AS bytes, created_at AS createdAt
         FROM documents ORDER BY id`,
      )
      .all();
    return json(200, { count: documents.length, documents });
  };
}
