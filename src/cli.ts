import { adminUrl, causeOf } from "./cli/admin-client.ts";
import { check } from "./cli/check.ts";
import { explain } from "./cli/explain.ts";
import { keys } from "./cli/keys.ts";
import { observed } from "./cli/observed.ts";
import { reconcile } from "./reconcile/command.ts";
import { prove } from "./prove/prove.ts";
import { serve } from "./serve.ts";
import { store } from "./cli/store.ts";
import { FAILED, TOLD_WRONG } from "./surroundings.ts";
import type { Surroundings } from "./surroundings.ts";

const HELP = `Usage: oncegate [command]

  (none), serve    run the gateway; settings come from the environment (docs/settings.md)
  health           exit code 0 if the gateway on this machine is alive; with --ready, if it can execute operations
  check            say all that is wrong with settings and rules; with --connect, ask the store and the API too
  explain          say which rule governs a request and what would happen, sending nothing; explain --help
  keys             show and resolve operations of which nobody knows the outcome; keys --help
  observed         list what would have been stopped where rules only observe; observed --help
  store            show the store's id, and accept that it lost data; store --help
  reconcile        compare the API's recent invoices with the records; reconcile --help
  prove            kill real gateways on your store for half a minute, and count what became of 1,000 invoices; prove --help
  version          print the version
  help             print this`;

/** Runs one sub-command to its end; resolves to the exit code. */
export async function run(around: Surroundings): Promise<number> {
  const [command = "serve"] = around.args;
  switch (command) {
    case "serve":
      return serve(around);
    case "health":
      return health(around);
    case "keys":
      return keys(around);
    case "check":
      return check(around);
    case "explain":
      return explain(around);
    case "observed":
      return observed(around);
    case "store":
      return store(around);
    case "reconcile":
      return reconcile(around);
    case "prove":
      return prove(around);
    case "version":
    case "--version":
    case "-v":
      around.print(around.version);
      return 0;
    case "help":
    case "--help":
    case "-h":
      around.print(HELP);
      return 0;
    default:
      around.complain(`oncegate: there is no command "${command}".\n\n${HELP}`);
      return TOLD_WRONG;
  }
}

/** For HEALTHCHECK: asks the gateway from beside it. Needs no setting but where its admin port is. */
async function health({ args, env, print, complain }: Surroundings): Promise<number> {
  const options = args.slice(1);
  if (options.some((option) => option !== "--ready")) {
    complain(HELP);
    return FAILED; // Docker keeps 2 for itself
  }
  let url: URL | undefined;
  try {
    url = new URL(options.includes("--ready") ? "/ready" : "/live", adminUrl(env));
    // Docker gives a health check 5 s.
    const answer = await fetch(url, { signal: AbortSignal.timeout(3_000) });
    print(await answer.text());
    return answer.ok ? 0 : FAILED;
  } catch (error) {
    complain(`oncegate: no answer on the admin port ${url?.port ?? ""}: ${causeOf(error)}`);
    return FAILED;
  }
}
