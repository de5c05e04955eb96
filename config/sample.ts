/**
 * config/sample - what the example file says where a default cannot say it: a small hybrid installation.
 *
 * In source notation. It names no files, so that the example passes `config check` on any machine.
 */
export const sample = {
  hostname: 'gateway.example.org',
};
