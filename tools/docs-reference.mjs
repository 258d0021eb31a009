// `npm run docs:reference`: writes docs/reference/ from the sources. Options and events come from the comments in src, error
// codes from their table, routes from the OpenAPI document, variables from the service's list. Needs a build.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import ts from 'typescript';
import { routesPage, table } from './docs-routes.mjs';

const OPTIONS = new URL('../src/options/', import.meta.url);
const MODULE = new URL('../src/auth/auth.module-definition.ts', import.meta.url);
const EVENTS = new URL('../src/core/events.ts', import.meta.url);
export const REFERENCE = new URL('../docs/reference/', import.meta.url);

/** Every option that an application can set, as src/options declares it. */
export function declaredOptions(root = 'AuthOptions') {
  return documentedOptionsOf(root).filter(({ isGroup }) => !isGroup);
}

/** The same, and before its options each group that `false` disables. */
function documentedOptionsOf(root) {
  const groups = new Map(readdirSync(OPTIONS).flatMap(optionGroupsIn));
  const optionsOf = (group, prefix) =>
    group.members.flatMap((member) => {
      const option = describedOption(member, prefix);
      const inner = groups.get(option.type.replace(/^false \| /, ''));
      if (!inner || option.fallback !== null) return option;
      const inside = optionsOf(inner, `${option.path}.`);
      if (!option.type.startsWith('false | ')) return inside;
      return [{ ...option, isGroup: true, fallback: 'the options below' }, ...inside];
    });
  return optionsOf(groups.get(root), '');
}

/** The settings of the module itself, which are no part of `AuthOptions`. */
function moduleSettings() {
  const settings = new Map(interfacesIn(MODULE)).get('AuthModuleExtras');
  return settings.members.map((member) => describedOption(member, ''));
}

function describedOption(member, prefix) {
  const text = commentOf(member);
  return {
    path: prefix + member.name.getText(),
    type: typeOf(member).replaceAll(/\s+/g, ' '),
    isRequired: !member.questionToken,
    isGroup: false,
    fallback: tagOf(member, 'default'),
    meaning: /^.*?\.(?=\s|$)/s.exec(text)?.[0] ?? '',
    text,
    example: tagOf(member, 'example'),
  };
}

function optionGroupsIn(file) {
  return file.endsWith('.ts') ? interfacesIn(new URL(file, OPTIONS)) : [];
}

/** A method has the type of its function. */
function typeOf(member) {
  const type = member.type.getText();
  if (!ts.isMethodSignature(member)) return type;
  return `(${member.parameters.map((parameter) => parameter.getText()).join(', ')}) => ${type}`;
}

function interfacesIn(url) {
  const { statements } = ts.createSourceFile(
    'source.ts',
    readFileSync(url, 'utf8'),
    ts.ScriptTarget.Latest,
    true,
  );
  return statements.filter(ts.isInterfaceDeclaration).map((group) => [group.name.text, group]);
}

function commentOf(node) {
  return (ts.getTextOfJSDocComment(node.jsDoc?.[0]?.comment) ?? '').replaceAll(/\s+/g, ' ');
}

function tagOf(node, name) {
  const tag = ts.getJSDocTags(node).find(({ tagName }) => tagName.text === name);
  return ts.getTextOfJSDocComment(tag?.comment) ?? null;
}

/** The pages by file name, formatted as the repository is. */
export async function referencePages({ variables, errors, events, document }) {
  const options = declaredOptions();
  const pages = {
    'options.md': optionsPage(documentedOptionsOf('AuthOptions'), moduleSettings()),
    'variables.md': variablesPage(variables, options),
    'errors.md': errorsPage(errors),
    'events.md': eventsPage(events),
    'routes.md': routesPage(document),
  };
  const style = await resolveConfig(fileURLToPath(new URL('page.md', REFERENCE)));
  const formatted = Object.entries(pages).map(async ([name, text]) => {
    const page = `<!-- Written by npm run docs:reference. Change the source, not this page. -->\n\n${text}`;
    return [name, await format(page, { ...style, parser: 'markdown' })];
  });
  return Object.fromEntries(await Promise.all(formatted));
}

function optionsPage(options, settings) {
  return `# Options

The options of \`AuthModule.forRoot\`. Durations are strings such as \`'15m'\`, or numbers of seconds. At boot the module
reports all problems at once, each with its fix.

${settings.map(({ path }) => `\`${path}\``).join(', ')} configure the module itself and are described
[at the end](#${settings[0].path.toLowerCase()}). Pass them next to the options in \`forRoot\`, or next to the factory in \`forRootAsync\`.

${options.map(optionSection).join('\n\n')}

${settings.map(optionSection).join('\n\n')}
`;
}

function optionSection({ path, type, isRequired, fallback, text, example }) {
  const otherwise = isLiteral(fallback) ? `\`${fallback}\`` : fallback;
  return [
    `## \`${path}\``,
    isRequired ? '**Required.**' : `**Default:** ${otherwise}`,
    `**Type:** \`${type}\``,
    text,
    example && `\`\`\`ts\n${example}\n\`\`\``,
  ]
    .filter(Boolean)
    .join('\n\n');
}

function isLiteral(fallback) {
  return /^(?:['[{\d]|true|false|[A-Z_]+$)/.test(fallback ?? '');
}

function variablesPage(variables, options) {
  const rows = variables.map((each) => variableRow(each, options));
  return `# Environment variables

The variables of the reference service, from the environment or from a file \`.env\` in the folder where it starts. An empty
variable counts as not set.

${table([['variable', 'default', 'meaning'], ...rows])}`;
}

/** A variable that sets an option has that option's default and meaning, unless the list gives others. */
function variableRow({ name, option, fallback, meaning, isSecret }, options) {
  const declared = options.find(({ path }) => path === option);
  const inFile = isSecret ? ` Or \`${name}_FILE\`, the path of a file that holds it.` : '';
  return [`\`${name}\``, fallback ?? asText(declared.fallback), (meaning ?? declared.meaning) + inFile];
}

/** A default in the form of a variable: `'15m'` is 15m, `['a', 'b']` is a,b. */
function asText(fallback) {
  return fallback
    .replace(/^none:.*|^\[\]$/, 'none')
    .replaceAll(/['[\]]/g, '')
    .replaceAll(', ', ',');
}

/** The page of a code in docs/errors. */
export function errorPageName(code) {
  return `${code.toLowerCase().replaceAll('_', '-')}.md`;
}

/** What the table of errors says about a code, as the reference and the page of the code show it. */
export function errorFacts({ status, message, isFinal, clearsCookie, challenge }) {
  const marks = [
    isFinal && '- No retry with the same refresh token can succeed.',
    clearsCookie && '- The answer clears the refresh cookie.',
    challenge && `- The answer has \`WWW-Authenticate\` with \`error="${challenge}"\`.`,
  ].filter(Boolean);
  return [`**${status}** · ${message}`, marks.join('\n')].filter(Boolean).join('\n\n');
}

function errorsPage(errors) {
  const sections = Object.entries(errors).map(([code, row]) =>
    [`## \`${code}\``, errorFacts(row), `${row.meaning} [What to do](../errors/${errorPageName(code)})`].join(
      '\n\n',
    ),
  );
  return `# Error codes

Every error has one shape: \`{ "statusCode", "code", "message", "error" }\`. \`VALIDATION_FAILED\` adds
\`details: [{ field, message }]\`. Decide by \`code\`: it is stable, the message may change. Each code has a page that says what a
client does, and what to check on the server.

Two kinds of answers have another body. Node itself refuses some requests before the application sees them, such as one with two
\`Content-Length\` headers or with more than 16 kB of headers. The introspection and revocation endpoints answer errors in the form of
RFC 6749 §5.2: \`{ "error", "error_description" }\`.

${sections.join('\n\n')}
`;
}

function eventsPage(events) {
  const declared = new Map(interfacesIn(EVENTS));
  const payloads = declared.get('AuthEvents').members.map((member) => [member.name.text, member]);
  const shapes = ['EventSource', 'EventDevice', 'SessionEvent', 'EarlierTokenEvent', 'OtherHolder'].map(
    (name) =>
      declared
        .get(name)
        .getText()
        .replace(/^export /, ''),
  );
  return `# Events

Subscribe with \`AuthEventBus\`, or with \`@OnEvent('refresh_token.reuse_detected')\` where the application imports
\`EventEmitterModule\`. A payload holds ids, addresses and user agents, and never a token, a password or a hash.

\`\`\`ts
${shapes.join('\n\n')}

/** The request that caused the event; null if the application called a service itself. */
type Cause = { source: EventSource | null };
/** \`by\`: the administrator who did it; null for the user, or for the application. */
type Act = Cause & { by: string | null };
\`\`\`

${payloads.map(([name, member]) => eventSection(name, member, events[name])).join('\n\n')}
`;
}

function eventSection(name, member, { level, one, reason }) {
  const reasons = Object.entries(reason?.words ?? {}).map(([key, words]) => `- \`${key}\`: ${words}`);
  return [
    `## \`${name}\``,
    `${one}. Logged at \`${level}\`. ${commentOf(member)}`,
    `\`\`\`ts\n${member.type.getText()}\n\`\`\``,
    reasons.length > 0 && `\`${reason.field}\` is one of:\n\n${reasons.join('\n')}`,
  ]
    .filter(Boolean)
    .join('\n\n');
}

/** Options that turn on every route of the OpenAPI document. */
export function documentedOptions() {
  const secret = (letter) => letter.repeat(48);
  return {
    issuer: 'https://api.example.com',
    keys: { access: [secret('a')], refresh: [secret('r')] },
    refreshToken: { allowBodyTransport: true, deviceBound: 'optional', allowRelay: true },
    introspectionClients: [{ id: 'gateway', secret: secret('g') }],
    mailer: { send: () => Promise.resolve() },
  };
}

async function builtSources() {
  const [{ AUTH_ERRORS, AUTH_EVENTS, openApiDocument }, { VARIABLES }] = await Promise.all([
    import('../dist/index.js'),
    import('../apps/service/dist/config/environment.js'),
  ]);
  const document = openApiDocument(documentedOptions());
  return { variables: VARIABLES, errors: AUTH_ERRORS, events: AUTH_EVENTS, document };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(REFERENCE, { recursive: true });
  for (const [name, text] of Object.entries(await referencePages(await builtSources())))
    writeFileSync(new URL(name, REFERENCE), text);
}
