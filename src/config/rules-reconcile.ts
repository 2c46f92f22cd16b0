import { z } from "zod";
import { isPointer } from "../domain/pointer.ts";
import type { Listing } from "../domain/reconciliation.ts";
import { fields } from "./rules-values.ts";

/** Where oncegate reconcile looks (rules-file.ts). */

const pointer = () => z.string().refine(isPointer, "must be a JSON pointer, /data for instance");

/** A path with only these places in it. */
const target = (...places: string[]) =>
  z.string().refine(
    (text) => {
      const plain = text.replaceAll(/\{(\w+)\}/g, (place, name: string) => (places.includes(name) ? "x" : place));
      return /^\/[\x21-\x7e]*$/.test(plain) && !/[{}#\\]/.test(plain);
    },
    `must be a path that starts with a slash, with no other places than ${places.map((name) => `{${name}}`).join(", ")}`,
  );

export const reconcile = () =>
  fields({
    list: target("from", "date", "page").meta({
      description:
        "The list of invoices at the API; {from} is a date and time, {date} its date, {page} a page, from 1.",
    }),
    invoices: pointer().meta({ description: "The array in the answer." }),
    next: pointer().optional().meta({
      description: "What stands for {page} in the next request. Without it pages are counted, up to an empty one.",
    }),
    id: pointer().meta({ description: "In an invoice of the list, and in the answer to the one who made it." }),
    number: pointer().meta({ description: "The invoice number, in both." }),
    organisation: pointer().optional().meta({ description: "Whose number it is, in both." }),
    void: fields({
      method: z.enum(["POST", "PUT", "PATCH", "DELETE"]).meta({ description: "Of the request." }),
      path: target("id").meta({ description: "Of the request; {id} is the invoice's." }),
    })
      .optional()
      .meta({ description: "The request that would void an invoice. It is printed and never sent." }),
  })
    .transform(({ list, invoices, next, id, number, organisation, void: voiding }): Listing => ({
      target: list,
      invoices,
      next,
      id,
      number,
      organisation,
      voiding: voiding === undefined ? undefined : { method: voiding.method, target: voiding.path },
    }))
    .meta({ description: "What oncegate reconcile compares with the records." });
