/**
 * state/database-session - a connection of its own, for what lives longer than a statement (LISTEN, locks).
 * It is asked for a sign of life now and then, so that its loss is noticed in time also when the network just went
 * silent: within 20 seconds, well before the server gives a vanished client up (database-connection: about a minute).
 */
import pg from 'pg';

const lookEvery = 10_000;
const answerWithin = 10_000;

export interface Session {
  readonly client: pg.Client;
  end(): Promise<void>;
}

/** `lost` is called once, when an open session ends without end() being called. */
export async function openSession(config: pg.ClientConfig, lost: () => void): Promise<Session> {
  const client = new pg.Client({ ...config, query_timeout: answerWithin, pipeline: true } as pg.ClientConfig);
  let over = false;
  let ready = false;
  const close = async (): Promise<void> => {
    over = true;
    clearInterval(timer);
    await client.end().catch(() => {});
  };
  const fail = (): void => {
    if (over) return;
    void close();
    if (ready) lost();
  };
  const look = (): void => void client.query('select 1').catch(fail);
  const timer = setInterval(look, lookEvery);
  timer.unref();
  client.on('error', fail);
  client.on('end', fail);
  try {
    await client.connect();
    ready = true;
  } catch (error) {
    await close();
    throw error;
  }
  return { client, end: close };
}
