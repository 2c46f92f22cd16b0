/** What the upstream does with one request, told in its header `x-chaos` (seeds decide, not the upstream). */
export type Behaviour = {
  kind:
    | "answers"
    /** Did not begin, and says so with a status of the release list. */
    | "declines"
    /** Acted, and the connection is reset before any answer. */
    | "resets"
    /** The connection is reset before it acted. */
    | "refuses"
    /** Acted, and never answers. */
    | "hangs"
    /** Acted, and its answer ends in mid-body. */
    | "cuts"
    /** Acted, and its answer has no length. */
    | "unframed"
    /** Acted, and a proxy in front of it answers 502. */
    | "bad-gateway";
  /** Of what it says: of `declines` one of the release list. */
  status: number;
  /** It works this long before it answers. */
  afterMs: number;
  /** Of the answer's filling. */
  bytes: number;
};

/** What leaves an operation unknown. */
export const MISCHIEVOUS = ["resets", "refuses", "hangs", "cuts", "unframed", "bad-gateway"] as const;

export const isMischievous = (kind: Behaviour["kind"]): boolean => MISCHIEVOUS.some((one) => one === kind);

export const PLAIN: Behaviour = { kind: "answers", status: 201, afterMs: 0, bytes: 20 };
