// `npm run check:words`: refuses the words that CONTRIBUTING.md bans, in every text file of the repository.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const BANNED = [
  [/\b(?:whoever|whomever|whom)\b/i, 'write "the client", "the user" or "who"'],
  [/\b(?:he|his|him|himself|she|hers?|herself)\b/i, 'write "they", "their", "them"'],
  [/\b(?:told|tells? of|telling of)\b/i, 'write "reported", "notified", "logged" or "says"'],
  [/\bmend(?:s|ed|ing)?\b/i, 'write "fix"'],
  [/\balike\b/i, 'write "the same way" or "both"'],
  [/\bbesides\b/i, 'write "also" or "as well as"'],
  [/\bcircumstances\b/i, 'write "context" or "input"'],
  [/\bso (?:often|long)\b(?! as)/i, 'give the number'],
  [/\b(?:let go|leave be|has it not|have it not)\b/i, 'write "skip", "ignore" or "without it"'],
  [/(?:\/\/|\/?\*\*?) Of /, 'begin with the subject, not with "Of"'],
  [/(?:\/\/|\/?\*\*?) .*\byield(?:s|ed|ing)?\b/i, 'write "return", "give" or "refuse"'],
];
/** Other people's data, generated files, and the two files that list the words. */
const EXEMPT =
  /(?:^|\/)(?:package-lock\.json|LICENSE|NOTICE[^/]*|page-assets\.ts|check-words\.mjs|words\.test\.ts)$|^test\/(?:vectors|fixtures)\//;
const TEXT = /(?:\.(?:[cm]?[jt]sx?|vue|svelte|md|ya?ml|html|css|json|sh|txt)|Dockerfile|\.ci\/run)$/;

export function bannedWords(text) {
  return text.split('\n').flatMap((line, index) =>
    BANNED.flatMap(([pattern, advice]) => {
      const found = pattern.exec(line);
      return found ? [{ line: index + 1, word: found[0], advice }] : [];
    }),
  );
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const files = execFileSync('git', ['ls-files', '-z', ...process.argv.slice(2)], { encoding: 'utf8' })
    .split('\0')
    .filter((file) => TEXT.test(file) && !EXEMPT.test(file));
  const findings = files.flatMap((file) =>
    bannedWords(readFileSync(file, 'utf8')).map((found) => ({ file, ...found })),
  );
  const lines = findings.map(({ file, line, word, advice }) => `${file}:${line}: "${word}": ${advice}`);
  if (lines.length > 0) process.stderr.write(`${lines.join('\n')}\n${lines.length} banned words.\n`);
  process.exitCode = findings.length > 0 ? 1 : 0;
}
