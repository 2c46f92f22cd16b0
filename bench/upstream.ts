import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { anInvoice } from "./invoice.ts";
import { jsonOf, VARIED } from "./workloads.ts";

/**
 * The API behind every contestant: as fast as Node can, so that the contestant is what is measured. It counts what it executes,
 * and answers with as many bytes as the path ends in: the same ones, or each time another invoice.
 */
const answers = new Map<string, { body: Buffer; head: string[] }>();
function answerTo(url: string) {
  const bytes = Number(url.slice(url.lastIndexOf("/") + 1));
  const body = Buffer.from(jsonOf(bytes, { id: 1042 }));
  const head = [
    ["Content-Type", "application/json; charset=utf-8"],
    ["Content-Length", String(body.length)],
    ["Location", "/invoices/1042"],
    ["Cache-Control", "no-store"],
    ["ETag", '"b2f-19a7e1c04d5"'],
  ].flat();
  const answer = { body, head };
  answers.set(url, answer);
  return answer;
}
let executions = 0;

const server = createServer((request, response) => {
  if (request.url === "/executions") {
    response.end(String(executions));
    return;
  }
  request.resume().once("end", () => {
    executions++;
    const { body, head } = request.url!.startsWith(VARIED)
      ? anInvoice(Number(request.url!.slice(VARIED.length)))
      : (answers.get(request.url!) ?? answerTo(request.url!));
    response.writeHead(request.method === "POST" ? 201 : 200, head).end(body);
  });
});
server.listen(0, "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
