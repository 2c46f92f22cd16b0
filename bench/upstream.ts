import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** The API behind every contestant: as fast as Node can, so that the contestant is what is measured. It counts what it executes. */
const answer = Buffer.from(JSON.stringify({ id: 1042, note: "x".repeat(600 - 21) }));
const head = [
  ["Content-Type", "application/json; charset=utf-8"],
  ["Content-Length", String(answer.length)],
  ["Location", "/invoices/1042"],
  ["Cache-Control", "no-store"],
  ["ETag", '"b2f-19a7e1c04d5"'],
].flat();
let executions = 0;

const server = createServer((request, response) => {
  if (request.method === "GET") {
    response.end(String(executions));
    return;
  }
  request.resume().once("end", () => {
    executions++;
    response.writeHead(201, head).end(answer);
  });
});
server.listen(0, "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
