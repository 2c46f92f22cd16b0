import { expect, test } from "@jest/globals";
import { keep, keepHead } from "../../src/domain/replay.ts";

test("Set-Cookie is never kept", () => {
  const answer = {
    status: 201,
    headers: ["Set-Cookie", "a=1", "Location", "/1", "set-cookie", "b=2"],
    body: Buffer.from("x"),
  };
  expect(keep(answer)).toEqual({ kind: "answer", ...answer, headers: ["Location", "/1"] });
});

test("of an answer too large to keep, status and Location are kept", () => {
  expect(keepHead(201, ["location", "/1", "X", "y"])).toEqual({ kind: "head", status: 201, location: "/1" });
  expect(keepHead(200, [])).toEqual({ kind: "head", status: 200, location: undefined });
});
