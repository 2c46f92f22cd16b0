import { startGatewayProcess } from "../support/gateway.ts";
import type { GatewayProcess } from "../support/gateway.ts";
import { startSampleApi } from "../support/sample-api.ts";
import type { SampleApi } from "../support/sample-api.ts";
import { storeFile } from "./store-file.ts";
import type { StoreFile } from "./store-file.ts";

/** The sample API, a SQLite file and one gateway process between them. */
export type OneGateway = { api: SampleApi; store: StoreFile; gateway: GatewayProcess; end: () => Promise<void> };

export async function oneGateway(settings: Record<string, string>): Promise<OneGateway> {
  const api = await startSampleApi();
  const store = storeFile();
  const env = { ONCEGATE_UPSTREAM_URL: api.url, ONCEGATE_STORE: store.url, ...settings };
  const gateway = await startGatewayProcess(env);
  return {
    api,
    store,
    gateway,
    async end() {
      await gateway.kill();
      await api.close();
      store.remove();
    },
  };
}
