import { outcomeOfStatuses } from "../domain/outcome.ts";
import type { StatusLists } from "../domain/outcome.ts";
import type { Rule } from "../domain/rule.ts";
import type { Settings } from "./settings.ts";

/** What the settings say, as a rule. It comes behind those of a rules file, which take from it what they do not say themselves. */
export function defaultRule(settings: Settings): Rule {
  return {
    name: "default",
    match: { methods: settings.ONCEGATE_METHODS, path: undefined, body: [] },
    isObserved: settings.ONCEGATE_MODE === "observe",
    key: {
      headers: settings.ONCEGATE_KEY_HEADERS,
      fields: [],
      maxLength: settings.ONCEGATE_KEY_MAX_LENGTH,
      pattern: undefined,
      isRequired: settings.ONCEGATE_REQUIRE_KEY,
    },
    scope: settings.ONCEGATE_SCOPE,
    credential: [],
    trustScope: false,
    authorize: undefined,
    probe: undefined,
    fingerprint: { mode: settings.ONCEGATE_FINGERPRINT, ignore: { fields: [], query: [] } },
    faultsOf: undefined,
    onCompleted: "replay",
    inFlightWaitMs: settings.ONCEGATE_IN_FLIGHT_WAIT,
    outcome: outcomeOfStatuses(statusLists(settings)),
    breaker: undefined,
    retry: undefined,
    listing: undefined,
    retentionMs: settings.ONCEGATE_RETENTION,
    turn: undefined,
    duplicates: undefined,
    errors: { format: "problem", statuses: {} },
  };
}

export const statusLists = (settings: Settings): StatusLists => ({
  release: settings.ONCEGATE_RELEASE_STATUSES,
  unknown: settings.ONCEGATE_UNKNOWN_STATUSES,
});
