import { describe, expect, test } from "@jest/globals";
import { parseTemplate, targetOf } from "../../src/domain/question.ts";

/** The target of a question whose place is filled with a field of the body. */
const asked = (template: string, value: string): string | undefined =>
  targetOf(parseTemplate(template)!, {
    headers: {},
    path: "/invoices/%C3%A4%20b",
    query: "",
    fields: { text: () => value },
    claims: () => undefined,
  });

describe("what a client sends goes into a question", () => {
  test("as one value, whatever is in it", () => {
    expect(asked("/invoices?q={body:number}&page=1", "../a?b#c&d=\r\n e/é")).toBe(
      "/invoices?q=..%2Fa%3Fb%23c%26d%3D%0D%0A%20e%2F%C3%A9&page=1",
    );
    expect(asked("/invoices/{body:number}", "2026-7.1;x")).toBe("/invoices/2026-7.1%3Bx");
  });

  test("from a path as it was meant, and not encoded twice", () => {
    expect(asked("/{path:1}/{path:2}", "")).toBe("/invoices/%C3%A4%20b");
  });

  test.each([".", "..", "../me", "a/b", "a\\b", "\u0000", "\r\n", "\u007f"])(
    "never as another path than the one that is asked for: %j",
    (value) => {
      expect(asked("/invoices/{body:number}", value)).toBeUndefined();
      expect(asked("/invoices/{body:number}/lines?of=1", value)).toBeUndefined();
    },
  );

  test("nor together with what stands beside it", () => {
    expect(asked("/invoices/.{body:number}", ".")).toBeUndefined();
    expect(asked("/invoices/{body:number};v=1", "..")).toBeUndefined();
  });
});
