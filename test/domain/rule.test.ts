import { expect, test } from "@jest/globals";
import { preferredWaitMs } from "../../src/domain/rule.ts";

test.each([
  [["wait=5"], 5_000],
  [["respond-async, wait=10"], 10_000],
  [["respond-async", "wait=7"], 7_000],
  [["handling=lenient"], undefined],
  [["await=5"], undefined],
  [undefined, undefined],
])("Prefer %j asks to wait %s ms", (prefer, ms) => expect(preferredWaitMs(prefer)).toBe(ms));
