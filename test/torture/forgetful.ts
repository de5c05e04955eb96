/**
 * torture/forgetful - a relay that lies: it answers 250 at once and keeps the message in memory for a while.
 *
 * Started by crash.test.ts, which must find it out. Arguments: its port, the port of `one.test`, that of `two.test`.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { startCapture } from '../peers/capture.ts';
import { SmtpClient } from '../peers/client.ts';

const [port = 0, one = 0, two = 0] = process.argv.slice(2).map(Number);
const capture = await startCapture({ port });
for (let done = 0; ; ) {
  await pause(200);
  for (; done < capture.taken.length; done += 1) {
    const mail = capture.taken[done];
    for (const rcpt of mail?.rcpt ?? []) {
      const client = await SmtpClient.open(rcpt.includes('@one.test') ? one : two);
      const to = [/^<(.*?)>/.exec(rcpt)?.[1] ?? ''];
      await client.send({ from: 'sender@source.test', to, content: mail?.content ?? Buffer.alloc(0) });
      await client.quit();
    }
  }
}
