import { expect, test } from "@jest/globals";
import { randomBytes } from "node:crypto";
import { holds } from "./writings.ts";

const SECRET = "secret-Qm7vXzRk2pLw";
const around = (text: string) => `before ${text} behind`;

test.each<[string, (text: string) => Buffer]>([
  ["as it is", (text) => Buffer.from(text)],
  ["in UTF-16, little-endian", (text) => Buffer.from(text, "utf16le")],
  ["in UTF-16, big-endian", (text) => Buffer.from(text, "utf16le").swap16()],
  ["in hexadecimal", (text) => Buffer.from(Buffer.from(text).toString("hex"))],
  ["in capital hexadecimal", (text) => Buffer.from(Buffer.from(text).toString("hex").toUpperCase())],
  ["in percent escapes", (text) => Buffer.from(Buffer.from(text).toString("hex").replaceAll(/../g, "%$&"))],
  ["in base64", (text) => Buffer.from(Buffer.from(text).toString("base64"))],
  ["in base64, a byte later", (text) => Buffer.from(Buffer.from(`.${text}`).toString("base64"))],
  ["in base64, two bytes later", (text) => Buffer.from(Buffer.from(`..${text}`).toString("base64"))],
  ["in base64url", (text) => Buffer.from(Buffer.from(text).toString("base64url"))],
])("a secret is found %s, and no other one", (_how, write) => {
  expect(holds(write(around(SECRET)), SECRET)).toBe(true);
  expect(holds(write(SECRET), SECRET)).toBe(true);
  expect(holds(write(around(SECRET.toLowerCase())), SECRET)).toBe(false);
});

test("random bytes are found in base64 that has + and / in it, or - and _", () => {
  const secret = Buffer.concat([randomBytes(16), Buffer.from("fbefbeffffff", "hex"), randomBytes(16)]);
  for (const form of ["base64", "base64url"] as const)
    for (const before of [0, 1, 2])
      expect(holds(Buffer.from(Buffer.concat([Buffer.alloc(before, 1), secret]).toString(form)), secret)).toBe(true);
});
