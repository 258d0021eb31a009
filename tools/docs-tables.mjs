// Generates the tables of options and variables in the README from the comments in src/options and from the
// service's list of variables. After a build: node tools/docs-tables.mjs
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const OPTIONS = new URL('../src/options/', import.meta.url);
const README = new URL('../README.md', import.meta.url);
const SERVICE = new URL('../apps/service/dist/config/environment.js', import.meta.url);

export function declaredOptions(root = 'AuthOptions') {
  const groups = new Map(readdirSync(OPTIONS).flatMap(interfacesIn));
  const optionsOf = (group, prefix) =>
    group.members.flatMap((member) => {
      const path = prefix + member.name.getText();
      const [comment] = member.jsDoc ?? [];
      const tag = ts.getJSDocTags(member).find(({ tagName }) => tagName.text === 'default');
      const fallback = ts.getTextOfJSDocComment(tag?.comment) ?? null;
      const inner = groups.get(member.type.getText().replace(/^false \| /, ''));
      if (inner && fallback === null) return optionsOf(inner, `${path}.`);
      const meaning = firstSentence(ts.getTextOfJSDocComment(comment?.comment) ?? '');
      return { path, isRequired: !member.questionToken, fallback, meaning };
    });
  return optionsOf(groups.get(root), '');
}

function interfacesIn(file) {
  if (!file.endsWith('.ts')) return [];
  const text = readFileSync(new URL(file, OPTIONS), 'utf8');
  const { statements } = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  return statements.filter(ts.isInterfaceDeclaration).map((group) => [group.name.text, group]);
}

function firstSentence(comment) {
  return /^.*?\.(?=\s|$)/s.exec(comment)?.[0].replaceAll(/\s+/g, ' ') ?? '';
}

export function withTables(text, variables) {
  const options = declaredOptions();
  const tables = {
    options: [['option', 'default', 'meaning'], ...options.map(optionRow)],
    variables: [['variable', 'default', 'meaning'], ...variables.map((each) => variableRow(each, options))],
  };
  return text.replaceAll(
    /(<!-- table of (\w+):[^>]*-->\n\n)(?:\|.*\n)+/g,
    (_, marker, name) => marker + table(tables[name]),
  );
}

function optionRow({ path, isRequired, fallback, meaning }) {
  const isLiteral = /^(?:['[{\d]|true|false|[A-Z_]+$)/.test(fallback ?? '');
  return [`\`${path}\``, isRequired ? 'required' : isLiteral ? `\`${fallback}\`` : fallback, meaning];
}

/** A variable that sets an option takes over its default and its meaning, unless the list has its own. */
function variableRow({ name, option, fallback, meaning, isSecret }, options) {
  const declared = options.find(({ path }) => path === option);
  const inFile = isSecret ? ` Or \`${name}_FILE\`, the path of a file that holds it.` : '';
  return [`\`${name}\``, fallback ?? asText(declared.fallback), (meaning ?? declared.meaning) + inFile];
}

/** A default as it is written in a variable: `'15m'` becomes 15m, `['a', 'b']` becomes a,b. */
function asText(fallback) {
  return fallback
    .replace(/^none:.*|^\[\]$/, 'none')
    .replaceAll(/['[\]]/g, '')
    .replaceAll(', ', ',');
}

/** Columns as wide as Prettier makes them. */
function table(rows) {
  const cells = rows.map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = cells[0].map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  const line = (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |\n`;
  const [header, ...body] = cells;
  return [header, widths.map((width) => '-'.repeat(width)), ...body].map(line).join('');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { VARIABLES } = await import(SERVICE.href);
  writeFileSync(README, withTables(readFileSync(README, 'utf8'), VARIABLES));
}
