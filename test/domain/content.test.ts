import { describe, expect, test } from "@jest/globals";
import { readContent } from "../../src/domain/content.ts";
import { fieldsOf } from "../../src/domain/fields.ts";
import { fingerprintOf } from "../../src/domain/fingerprint.ts";

const FORM = "application/x-www-form-urlencoded";
const MULTIPART = "multipart/form-data; boundary=b";
const MB = 1_048_576;
/** What the field `tenant` of such a body is. */
function tenantOf(type: string, text: string): string | undefined {
  const body = Buffer.from(text);
  const content = readContent(type, undefined, body);
  const request = { method: "POST", path: "/", query: "", body, content };
  fingerprintOf(body, { mode: "content", ignore: { fields: ["session"], query: [] } }, request);
  const fields = fieldsOf(content);
  fields.whole();
  return fields.text("tenant");
}

describe("a field of a form", () => {
  test.each([
    ["a=1&tenant=seven&b=2", "seven"],
    ["tenant=a+b%2Bc%C3%A9", "a b+cé"],
    ["te%6eant=seven", "seven"],
    ["tenant", ""],
    ["tenant=", ""],
    ["tenant=a=b", "a=b"],
    ["tenant=%zz", "%zz"],
    ["tenant=1&tenant=2", undefined],
    ["tenant=1&%74enant=2", undefined],
    ["tenants=1&b=tenant", undefined],
    ["&&", undefined],
  ])("of %j is %j", (text, expected) => {
    expect(tenantOf(FORM, text)).toBe(expected);
  });
});

test("JSON behind a byte order mark has its fields: what is looked for there would else execute unprotected", () => {
  expect(tenantOf("application/json", '\ufeff{"tenant":"seven"}')).toBe("seven");
});

/** Each takes longer than a test may, or all the memory, where it is read as if it were honest. */
describe("a body that is made to be slow to read holds nobody up:", () => {
  test.each([
    ["a form of nothing but separators", FORM, "&".repeat(32 * MB)],
    ["a form of a million fields", FORM, `tenant=1&${"a&".repeat(MB)}`],
    ["a form with a value of nothing but spaces", FORM, `tenant=${"+".repeat(32 * MB)}`],
    ["a form with a name of nothing but spaces", FORM, "+".repeat(32 * MB)],
    ["JSON of nothing but brackets", "application/json", "[".repeat(32 * MB)],
    ["JSON of a million values", "application/json", `{"tenant":"1","values":[${"[],".repeat(MB)}[]]}`],
    ["a part with a million header lines", MULTIPART, `--b\r\n${"a:b\r\n".repeat(4 * MB)}\r\n1\r\n--b--`],
  ])("%s", (_what, type, text) => {
    expect(tenantOf(type, text)).toBeUndefined();
  });
});

test("large and honest bodies have their fields", () => {
  const large = "x".repeat(16 * MB);
  expect(tenantOf(FORM, `file=${large}&tenant=seven`)).toBe("seven");
  expect(tenantOf("application/json", JSON.stringify({ file: large, tenant: "seven" }))).toBe("seven");
  const field = (name: string, value: string) =>
    `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  expect(tenantOf(MULTIPART, `${field("file", large)}${field("tenant", "seven")}--b--`)).toBe("seven");
});

describe("a field that has the number of another one", () => {
  const UUID = "attributeValue*[attributeName*=source-uuid]";
  const fields = (type: string, text: string) => fieldsOf(readContent(type, undefined, Buffer.from(text)));
  const part = (name: string, text: string): string =>
    `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${text}\r\n`;

  test.each([
    ["attributeName1=source-uuid&attributeValue1=u", "u", true],
    ["attributeName1=till&attributeValue1=7&attributeValue2=u&attributeName2=source-uuid", "u", true],
    ["attributeName1=source-uuid&attributeValue11=u", undefined, false],
    ["attributeName1=source-uuid&attributeValue1=", "", false],
    ["attributeName1=source-uuids&attributeValue1=u", undefined, false],
    ["attributeValue1=u", undefined, false],
    ["attributeName1=source-uuid&attributeValue1=u&attributeName2=source-uuid&attributeValue2=v", undefined, true],
  ])("of the form %s is %j", (text, value, isPresent) => {
    expect([fields(FORM, text).text(UUID), fields(FORM, text).isPresent(UUID)]).toEqual([value, isPresent]);
  });

  test("is in JSON and in multipart what it is in a form", () => {
    const json = JSON.stringify({ attributeName2: "source-uuid", attributeValue2: "u", attributeValue1: 1 });
    expect(fields("application/json", json).text(UUID)).toBe("u");
    expect(fields("application/json", "[1]").text(UUID)).toBeUndefined();
    const parts = `${part("attributeName1", "source-uuid")}${part("attributeValue1", "u")}--b--\r\n`;
    expect(fields(MULTIPART, parts).text(UUID)).toBe("u");
    expect(fields("text/plain", "u").text(UUID)).toBeUndefined();
  });
});
