/**
 * config/json-schema - the configuration as JSON Schema 2020-12, for editors that complete and check while one types.
 *
 * It describes the file as written. A text value may also be a reference, `${env:NAME}` or `${file:path}`.
 */
import { z } from 'zod';
import { configSchema } from './schema.ts';

const reference = '\\$\\{(env|file):[^}]+\\}';
const ownMarks = ['path', 'readable', 'certificatePair', 'unit', 'secret'] as const;

export function printJsonSchema(): string {
  const schema = z.toJSONSchema(configSchema, {
    target: 'draft-2020-12',
    io: 'input',
    override: ({ jsonSchema }) => {
      const json = jsonSchema as Record<string, unknown>;
      if (json.secret === true) json.writeOnly = true;
      if (typeof json.pattern === 'string') json.pattern = `(?:${json.pattern})|${reference}`;
      for (const mark of ownMarks) delete json[mark];
    },
  });
  return `${JSON.stringify({ title: 'Isthmus configuration', ...schema }, null, 2)}\n`;
}
