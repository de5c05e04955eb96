/**
 * config/generate - the files that are printed from the schema. `node config/generate.ts` writes them anew; a test
 * fails when they are stale.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { printExample } from './example.ts';
import { printJsonSchema } from './json-schema.ts';
import { printReference } from './reference.ts';
import { sample } from './sample.ts';
import { configSchema } from './schema.ts';

export const exampleText = (): string =>
  printExample(configSchema, sample, [
    'yaml-language-server: $schema=./isthmus.schema.json',
    '',
    'Isthmus: every key with its meaning. What is not set keeps the default shown here.',
    '"# text" explains; "#key: value" is a key without effect until its "#" is deleted.',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what the operator writes
    'Any text may be ${env:NAME} or ${file:path}, and is then never printed. 1 KB is 1024 octets.',
    'Check it: isthmus config check FILE. See what is in effect: isthmus config show FILE.',
  ]);

export const referenceText = (): string =>
  printReference(configSchema, [
    '# Configuration reference',
    '',
    'Printed from the schema by `node config/generate.ts`; do not edit. The same as an annotated file:',
    '[isthmus.example.yaml](isthmus.example.yaml). For editors: [isthmus.schema.json](isthmus.schema.json).',
    '',
    '- One YAML 1.2 file. Unknown keys are refused.',
    '- duration: a whole number and `ms`, `s`, `m`, `h`, `d` or `w`. size: a whole number and `B`, `KB`, `MB`, `GB` or `TB`; 1 KB is 1024 octets.',
    '- Relative paths are relative to the folder of the file.',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what the operator writes
    '- Any text may contain `${env:NAME}` or `${file:path}`; what is put in is never printed. `$${` is a literal `${`.',
    '- `NAME` stands for a name of your choice, `[]` for each entry of a list.',
    '',
  ]);

/** Path beside this file, and what belongs in it. */
export const generatedFiles = (): ReadonlyMap<string, string> =>
  new Map([
    ['isthmus.example.yaml', exampleText()],
    ['REFERENCE.md', referenceText()],
    ['isthmus.schema.json', printJsonSchema()],
  ]);

export function writeGenerated(folder = import.meta.dirname): void {
  for (const [name, text] of generatedFiles()) writeFileSync(join(folder, name), text);
}

if (import.meta.main) writeGenerated();
