/** After `failures` in a row nothing is sent for `coolOffMs`; then one operation is tried, and its success closes the circuit. */
export type Breaker = { failures: number; coolOffMs: number };
