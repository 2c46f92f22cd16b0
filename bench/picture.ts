import type { Results } from "./results.ts";

const WORKLOADS: Record<string, string> = { small: "first use", "small, all duplicates": "retry" };
const [LINE, LABEL, WIDTH, GAP] = [26, 300, 300, 90];
const TOTAL = LABEL + 2 * (WIDTH + GAP);

type Bar = { label: string; isOwn: boolean; requests: number; micros: number };

/** Requests per second and CPU of each contestant of a run as bars, the bare proxy's as a line; an SVG. */
export function pictureOf({ rows, machine, at }: Results): string {
  const bars = rows
    .filter(({ workload }) => workload in WORKLOADS)
    .map(({ name, workload, median }) => ({
      label: name.startsWith("bare") || name.endsWith("pass-through") ? name : `${name}, ${WORKLOADS[workload]}`,
      isOwn: name.startsWith("Oncegate"),
      requests: median.requestsPerSecond,
      micros: median.cpuMicrosPerRequest,
    }));
  const height = 90 + bars.length * LINE;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${TOTAL} ${height}" font-family="system-ui, sans-serif" font-size="13">
<title>Requests per second and CPU per request, Oncegate and others</title>
<rect width="${TOTAL}" height="${height}" fill="#ffffff"/>
${column("requests per second (more is better)", LABEL, bars, ({ requests }) => requests)}
${column("CPU per request, µs (less is better)", LABEL + WIDTH + GAP, bars, ({ micros }) => micros)}
${bars.map(({ label }, i) => text(LABEL - 10, yOf(i) + 13, label, "end")).join("\n")}
${text(10, height - 12, `Medians, requests of 400 B with answers of 600 B. ${machine.cpu ?? ""}, ${machine.cpus} CPUs shared with the load and the API, Node ${machine.node}, ${at.slice(0, 10)}.`, "start", "#666666")}
</svg>
`;
}

/** The line is the bare proxy. */
function column(title: string, x: number, bars: readonly Bar[], of: (bar: Bar) => number): string {
  const line = of(bars.find(({ label }) => label.startsWith("bare"))!);
  const scale = WIDTH / Math.max(...bars.map(of));
  const drawn = bars.map((bar, i) => {
    const width = of(bar) * scale;
    const rect = `<rect x="${x}" y="${yOf(i)}" width="${width.toFixed(1)}" height="${LINE - 8}" fill="${bar.isOwn ? "#2563eb" : "#9ca3af"}"/>`;
    return `${rect}\n${text(x + width + 6, yOf(i) + 13, Math.round(of(bar)).toLocaleString("en"), "start")}`;
  });
  const where = (x + line * scale).toFixed(1);
  const rule = `<line x1="${where}" x2="${where}" y1="${yOf(0) - 6}" y2="${yOf(bars.length)}" stroke="#111111" stroke-dasharray="3 3"/>`;
  return [text(x, 30, title, "start"), ...drawn, rule].join("\n");
}

function yOf(index: number): number {
  return 48 + index * LINE;
}

function text(x: number, y: number, words: string, anchor: "start" | "end", fill = "#111111"): string {
  const safe = words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x.toFixed(1)}" y="${y}" text-anchor="${anchor}" fill="${fill}">${safe}</text>`;
}
