import type { SQLOutputValue } from "node:sqlite";

/** A row of any table. What is read from it was written by this program; anything else is damage, and thrown. */
export type Row = Record<string, SQLOutputValue>;

export function text(row: Row, column: string): string {
  const value = row[column];
  if (typeof value === "string") return value;
  throw new Error(`a row has no text in ${column}`);
}

export function integer(row: Row, column: string): number {
  const value = row[column];
  if (typeof value === "number") return value;
  throw new Error(`a row has no integer in ${column}`);
}

export function bytes(row: Row, column: string): Uint8Array {
  const value = row[column];
  if (value instanceof Uint8Array) return value;
  throw new Error(`a row has no bytes in ${column}`);
}
