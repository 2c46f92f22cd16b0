import { z } from "zod";
import { Settings } from "./settings.ts";
import type { SettingName } from "./settings.ts";

/** What is known of a setting besides its value: from `meta` in settings.ts and the JSON Schema that zod makes of it. */
export type SettingFacts = {
  name: SettingName;
  fallback: string | undefined;
  required: boolean;
  description: string;
  bounds: string | undefined;
  secret: boolean;
  example: string | undefined;
};

const Facts = z.object({
  description: z.string(),
  default: z.string().optional(),
  bounds: z.string().optional(),
  secret: z.boolean().default(false),
  example: z.string().optional(),
});

export function settingFacts(): SettingFacts[] {
  const schema = settingsJsonSchema();
  const required = new Set(schema.required);
  return Settings.keyof().options.map((name) => {
    const { default: fallback, description, bounds, secret, example } = Facts.parse(schema.properties?.[name]);
    return { name, fallback, required: required.has(name), description, bounds, secret, example };
  });
}

export const settingsJsonSchema = () => z.toJSONSchema(Settings, { io: "input" });
