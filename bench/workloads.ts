/** Which keys the requests of a load carry. `1% again`: a hundredth of them repeat a key from a while ago. */
type Keys = "each its own" | "1% again" | "all the same";

export type Workload = {
  name: string;
  method: "POST" | "GET";
  requestBytes: number;
  answerBytes: number;
  keys: Keys;
  /** Each answer is another one, as they are in life. The API takes longer to make them. */
  isVaried?: boolean;
};

/** Where the API gives such answers. */
export const VARIED = "/varied/";
export const pathOf = ({ answerBytes, isVaried }: Workload): string =>
  `${isVaried ? VARIED : "/invoices/"}${answerBytes}`;

const SMALL = { method: "POST", requestBytes: 400, answerBytes: 600 } as const;

export const FIRST_USE: Workload = { name: "small", ...SMALL, keys: "each its own" };
export const REPLAY: Workload = { name: "small, all duplicates", ...SMALL, keys: "all the same" };
export const SOME_AGAIN: Workload = { name: "small, 1 % duplicates", ...SMALL, keys: "1% again" };
export const READ: Workload = { name: "GET", ...SMALL, method: "GET", requestBytes: 0, keys: "each its own" };
const sized = (name: string, bytes: number): Workload => ({
  ...FIRST_USE,
  name,
  requestBytes: bytes,
  answerBytes: bytes,
});
export const MEDIUM = sized("20 KB", 20_000);
export const LARGE = sized("1 MB", 1_000_000);

/** A JSON text of that many bytes, such as an invoice with a long note or a document in base64. */
export function jsonOf(bytes: number, start: Record<string, string | number>): string {
  const without = JSON.stringify({ ...start, note: "" }).length;
  return JSON.stringify({ ...start, note: "x".repeat(Math.max(0, bytes - without)) });
}
