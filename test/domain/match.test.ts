import { expect, test } from "@jest/globals";
import { array, assert, boolean, constant, oneof, property, stringMatching, tuple } from "fast-check";
import { pathPattern } from "../../src/domain/match.ts";

/** What a pattern means, written so that it can be seen; slow where a path is made for it. */
function plainly(segments: readonly string[]): RegExp {
  const parts = segments.map((segment) =>
    segment === "**" ? "(?:/[^/]+)*" : `/${segment.replaceAll(".", "\\.").replaceAll("*", "[^/]*")}`,
  );
  return new RegExp(`^${parts.join("")}/?$`);
}

test("a path pattern means what it says, with whatever stars", () => {
  const segment = stringMatching(/^[ab.]{1,3}$/).filter((text) => !/^\.{1,2}$/.test(text));
  const starred = stringMatching(/^\*?([ab.]{1,2}\*){0,3}[ab]?$/).filter((text) => text !== "");
  const patterns = array(oneof(segment, starred, constant("**")), { maxLength: 5 });
  // The guard lets no empty segment through.
  const parted = array(stringMatching(/^[ab.]{1,5}$/), { maxLength: 6 });
  const paths = tuple(parted, boolean()).map(([parts, isOpen]) => [...parts, ...(isOpen ? [""] : [])]);
  assert(
    property(patterns, paths, (segments, parts) => {
      const [glob, path] = [`/${segments.join("/")}`, `/${parts.join("/")}`];
      expect([glob, path, pathPattern(glob)?.test(path)]).toEqual([glob, path, plainly(segments).test(path)]);
    }),
    { numRuns: 5_000 },
  );
});

/** Tried in every possible way, each takes longer than a test may. */
test.each([
  ["/api/**/items/**/items/**/items/**/x", `/api${"/items".repeat(2_600)}`],
  ["/v1/*-*-*-*", `/v1/${"-".repeat(16_000)}/x`],
  ["/**/*-*/**/*-*/**/x", "/--".repeat(5_000)],
])("a path that is made for the pattern %s holds nobody up", (glob, path) => {
  expect(pathPattern(glob)?.test(path)).toBe(false);
});
