import { expect, test } from "@jest/globals";
import { endToEnd } from "../../src/domain/headers.ts";

test("only end-to-end fields pass, in case and order as sent: none about the connection, none that Connection nominates", () => {
  const raw = [
    "X-A",
    "1",
    "Connection",
    "keep-alive, X-Hop",
    "x-hop",
    "2",
    "TE",
    "trailers",
    "x-a",
    "3",
    "Upgrade",
    "h2c",
    "Keep-Alive",
    "timeout=5",
  ];
  expect(endToEnd(raw)).toEqual(["X-A", "1", "x-a", "3"]);
});
