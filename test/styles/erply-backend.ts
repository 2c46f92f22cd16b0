import { once } from "node:events";
import { createServer } from "node:http";
import type { ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { answerJson } from "./style.ts";

type Fields = Readonly<Record<string, string>>;
type Document = { id: number; clientCode: string; kind: string; fields: Fields };
type Call = { request: string; fields: Fields };

/**
 * An API as ERPLY's is (learn-api.erply.com), but for what the gateway adds: one URL, form posts or JSON, `request` says what is asked,
 * answers are HTTP 200 with `status.errorCode`. It eliminates nothing, and edits and deletes as they come.
 */
export type ErplyBackend = {
  url: string;
  /** The oracle: what there is. */
  documents: Document[];
  /** All that arrived, in that order. */
  calls: Call[];
  /** Before a call is carried out; at first nothing. */
  before: (call: Call) => Promise<unknown> | undefined;
  /** How a call is answered that was carried out; at first in its envelope. */
  answer: (res: ServerResponse, envelope: object) => void;
  close(): Promise<void>;
};

/** `save` needs these, `delete` finds its document by them. */
const KINDS: Record<string, { id: string; deletedBy: string; needs: string }> = {
  SalesDocument: { id: "id", deletedBy: "documentID", needs: "customerID" },
  PurchaseDocument: { id: "id", deletedBy: "documentID", needs: "supplierID" },
  Payment: { id: "paymentID", deletedBy: "paymentID", needs: "sum" },
  InventoryRegistration: {
    id: "inventoryRegistrationID",
    deletedBy: "inventoryRegistrationID",
    needs: "warehouseID",
  },
  InventoryTransfer: { id: "inventoryTransferID", deletedBy: "inventoryTransferID", needs: "warehouseFromID" },
  InventoryWriteOff: { id: "inventoryWriteOffID", deletedBy: "inventoryWriteOffID", needs: "warehouseID" },
};

export async function startErply(): Promise<ErplyBackend> {
  const server = createServer((req, res) => {
    void text(req).then(async (body) => {
      const isJson = /json/.test(req.headers["content-type"] ?? "");
      const given = isJson ? (JSON.parse(body) as object) : Object.fromEntries(new URLSearchParams(body));
      const fields = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, String(value)]));
      const call = { request: fields["request"] ?? "", fields };
      erply.calls.push(call);
      await erply.before(call);
      erply.answer(res, carriedOut(call, erply.documents));
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const erply: ErplyBackend = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    documents: [],
    calls: [],
    before: () => undefined,
    answer: (res, envelope) => answerJson(res, 200, envelope),
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
  return erply;
}

function carriedOut({ request, fields }: Call, documents: Document[]): object {
  const { clientCode = "", sessionKey = "" } = fields;
  const error = (errorCode: number, errorField?: string) => envelopeOf(request, errorCode, [], errorField);
  if (clientCode === "") return error(1001);
  if (!sessionKey.startsWith("session")) return error(1055);
  const [, verb, kind = ""] = /^(get|save|delete)([A-Z]\w*?)s?$/.exec(request) ?? [];
  const how = KINDS[kind];
  if (how === undefined) return error(1005);
  const ofKind = (one: Document): boolean => one.clientCode === clientCode && one.kind === kind;
  const found = (id: string | undefined): number => documents.findIndex((one) => ofKind(one) && String(one.id) === id);

  if (verb === "get") return envelopeOf(request, 0, documents.filter(ofKind).map(recordOf));
  if (verb === "delete") {
    const at = found(fields[how.deletedBy]);
    if (at === -1) return error(1011, how.deletedBy);
    documents.splice(at, 1);
    return envelopeOf(request, 0, []);
  }
  const id = fields[how.id];
  if (id !== undefined && id !== "") {
    const at = found(id);
    if (at === -1) return error(1011, how.id);
    documents[at] = { ...documents[at]!, fields: { ...documents[at]!.fields, ...fields } };
    return envelopeOf(request, 0, [recordOf(documents[at])]);
  }
  if (!fields[how.needs]) return error(1010, how.needs);
  const document = { id: 100 + documents.length + 1, clientCode, kind, fields };
  documents.push(document);
  return envelopeOf(request, 0, [recordOf(document)]);
}

function recordOf({ id, kind, fields }: Document): object {
  if (kind === "Payment") return { paymentID: id, customerID: fields["customerID"] ?? "" };
  if (kind !== "SalesDocument") return { [KINDS[kind]!.deletedBy]: id };
  const total = Number(fields["amount1"] ?? 0) * Number(fields["price1"] ?? 0);
  return { invoiceID: id, invoiceNo: String(id), customNumber: fields["customNumber"] ?? "", net: total.toFixed(2) };
}

const envelopeOf = (request: string, errorCode: number, records: object[], errorField?: string): object => ({
  status: {
    request,
    requestUnixTime: Math.floor(Date.now() / 1_000),
    responseStatus: errorCode === 0 ? "ok" : "error",
    errorCode,
    errorField: errorField ?? null,
    generationTime: 0.01,
    recordsTotal: records.length,
    recordsInResponse: records.length,
  },
  records,
});
