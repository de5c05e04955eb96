/** Placeholder of the peers room; replaced by its owner. */
export class UnrunReporter {}
// biome-ignore lint/style/noDefaultExport: vitest loads reporters by default export
export default UnrunReporter;
