/** Placeholder of the peers room; replaced by its owner. */
export async function setup(): Promise<void> {}
