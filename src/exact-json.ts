/** https://tc39.es/proposal-json-parse-with-source: in every Node that runs this, and not in TypeScript's library yet. */
declare global {
  interface JSON {
    rawJSON(text: string): object;
    parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
  }
}

/**
 * JSON whose numbers are written again as they were sent: 10.00 and 12345678901234567890 are none of a double's. For writing, not for
 * reading: such a number is an opaque object. Throws SyntaxError.
 */
export function exactJson(text: string): unknown {
  return JSON.parse(text, (_key, value, { source }) =>
    typeof value === "number" && source !== undefined && String(value) !== source ? JSON.rawJSON(source) : value,
  );
}
