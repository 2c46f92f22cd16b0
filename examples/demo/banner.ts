type Places = {
  readonly gateway: string;
  readonly admin: string;
  readonly sample: string;
};

/** The commands are one line each and quoted for any POSIX shell. */
export function banner({ gateway, admin, sample }: Places): string {
  const post = (quantity: number) =>
    `curl -i ${gateway}/invoices -H 'content-type: application/json' -H 'x-idempotency-key: order-1001' -d '${order(quantity)}'`;
  return `
Oncegate is ready: ${gateway}, in front of the sample invoice API ${sample}
Its admin port: ${admin}

1. Create an invoice:

    ${post(2)}

2. Retry: the same command gets the same answer, marked Idempotent-Replayed: true.

    ${post(2)}

3. Reuse the key with another body: 422 key-reused.

    ${post(3)}

4. List what was really created: one invoice.

    curl ${gateway}/invoices

Ctrl-C stops both.`;
}

function order(quantity: number): string {
  const lines = [{ description: "Consulting", quantity, unitPrice: "450.00" }];
  return JSON.stringify({ customer: "Acme Ltd", number: "2026-001", currency: "EUR", lines });
}
