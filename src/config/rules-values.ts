import { closestMatch } from "leven";
import { z } from "zod";
import { numberedField } from "../domain/numbered.ts";
import { parseSource } from "../domain/source.ts";
import type { Source } from "../domain/source.ts";

/** What the parts of a rules file are made of (rules-file.ts). */

/** A map with these fields and no other: what is not known is a mistake, with the name that was meant. */
export const fields = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject(shape, { error: didYouMean(Object.keys(shape)) });

export const didYouMean =
  (names: readonly string[]) =>
  (issue: z.core.$ZodRawIssue): string | undefined =>
    issue.code === "unrecognized_keys" ? issue.keys.map((key) => unknownName(key, names)).join(", ") : undefined;

export const unknownName = (name: string, names: readonly string[]): string =>
  `does not know ${name} (did you mean ${closestMatch(name, names)}?)`;

export const source = <From extends Source["from"]>(...from: From[]) =>
  z.string().transform((text, context): Extract<Source, { from: From }> => {
    const parsed = parseSource(text);
    const isOne = (one: Source): one is Extract<Source, { from: From }> => from.some((kind) => kind === one.from);
    if (parsed !== undefined && isOne(parsed)) return parsed;
    context.addIssue(`must be ${from.map((one) => FORMS[one]).join(" or ")}`);
    return z.NEVER;
  });
const FORMS: Record<Source["from"], string> = {
  header: "header:NAME",
  basic: "basic:username",
  jwt: "jwt:CLAIM",
  body: "body:FIELD",
  query: "query:NAME",
  path: "path:N",
};

/** A field's own name, by which it can be left out of a body or picked from it; neither a pointer nor a numbered field. */
export const isOutermostName = (name: string): boolean => !name.startsWith("/") && numberedField(name) === undefined;

export const list = <Item extends z.ZodType>(item: Item) => z.array(item).min(1);
export const scalar = () =>
  z.union([z.string(), z.int()], { error: "must be a text or a whole number" }).transform(String);
export const word = () =>
  z
    .union([z.string(), z.number(), z.boolean(), z.null()], { error: "must be a text, a number, true, false or null" })
    .transform(String);
