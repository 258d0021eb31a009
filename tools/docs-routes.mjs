/** Most routes can answer these, so the page says it once. */
const COMMON = [
  'MALFORMED_REQUEST',
  'PAYLOAD_TOO_LARGE',
  'UNSUPPORTED_MEDIA_TYPE',
  'CROSS_SITE_REQUEST',
  'TEMPORARILY_UNAVAILABLE',
  'INTERNAL',
];
const NEEDS = { refreshCookie: 'the refresh cookie', accessToken: 'an access token' };

/** The page of routes, from the OpenAPI document. */
export function routesPage(document) {
  const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const tags = [...new Set(routes.map(({ operation }) => operation.tags[0]))];
  const parts = tags.map((tag) => {
    const own = routes.filter(({ operation }) => operation.tags[0] === tag);
    return `## ${tag}\n\n${own.map((route) => section(route, document)).join('\n\n')}`;
  });
  return `# Routes

The service serves this contract as an OpenAPI document at \`/docs-json\`, and as a page to try it at \`/docs\`. In an application
of your own, \`openApiDocument(options)\` returns the document. \`routePrefix\` replaces \`/auth\`.

Most routes can also answer ${COMMON.map(linkTo).join(', ')}. With \`emailVerification: 'required'\` a registration answers 202 without
tokens, and a login can answer ${linkTo('EMAIL_NOT_VERIFIED')}.

Only the service has \`GET /health/live\`, \`GET /health/ready\` and \`GET /metrics\` (with \`METRICS_TOKEN\`).

${table([['route', 'what it does'], ...routes.map(indexRow)])}
${parts.join('\n\n')}
`;
}

function indexRow({ path, method, operation }) {
  return [`\`${title(path, method)}\``, operation.summary];
}

function title(path, method) {
  return `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`;
}

function section({ path, method, operation }, document) {
  const { summary, description, security, responses } = operation;
  const answers = Object.entries(responses);
  const good = answers
    .filter(([status]) => Number(status) < 400)
    .map(([status, answer]) => `- **${status}** ${resolve(answer, document).description}`);
  const bad = answers
    .filter(([status]) => Number(status) >= 400)
    .map(([, answer]) => resolve(answer, document));
  const codes = bad
    .flatMap(({ description: reasons }) => [...reasons.matchAll(/`([A-Z][A-Z_]+)`:/g)])
    .map(([, code]) => code)
    .filter((code) => !COMMON.includes(code))
    .map(linkTo)
    .concat(bad.flatMap(oauthErrors));
  return [
    `### \`${title(path, method)}\``,
    `**${summary}.** ${description}`,
    needs(security ?? document.security ?? []),
    fields(operation, document),
    good.join('\n'),
    codes.length > 0 && `Errors: ${[...new Set(codes)].join(', ')}`,
  ]
    .filter(Boolean)
    .join('\n\n');
}

/** The errors of an OAuth endpoint, which have no page: RFCs define them. */
function oauthErrors({ content }) {
  const parts = content?.['application/json']?.schema.allOf ?? [];
  return parts.flatMap(({ properties }) => properties?.error?.enum ?? []).map((name) => `\`${name}\``);
}

function linkTo(code) {
  return `[\`${code}\`](errors.md#${code.toLowerCase()})`;
}

function needs(security) {
  const ways = security.map((way) => Object.keys(way).map((name) => NEEDS[name] ?? name));
  const named = ways.filter((way) => way.length > 0).map((way) => way.join(' and '));
  if (named.length === 0) return '';
  return `Needs ${named.join(' or ')}${ways.length > named.length ? ', or neither' : ''}.`;
}

function fields({ parameters = [], requestBody }, document) {
  const given = parameters
    .map((parameter) => resolve(parameter, document))
    .filter((parameter) => parameter.in !== 'header')
    .map(({ name, required, schema, description }) => row(name, required, schema, description));
  const body = Object.values(resolve(requestBody ?? {}, document).content ?? {})[0]?.schema;
  const { properties = {}, required = [] } = resolve(body ?? {}, document);
  const inBody = Object.entries(properties).map(([name, schema]) => {
    const whole = resolve(schema, document);
    return row(name, required.includes(name), whole, whole.description);
  });
  const rows = [...given, ...inBody];
  return rows.length > 0 && table([['field', 'type', 'meaning'], ...rows]);
}

function row(name, isRequired, schema, description = '') {
  const type =
    schema.enum?.map((value) => `\`${value}\``).join(', ') ?? [schema.type ?? ''].flat().join(' or ');
  return [`\`${name}\`${isRequired ? '' : '?'}`, type + rangeOf(schema), description];
}

/** The limits of a text or a number, if it has a maximum. */
function rangeOf({ minLength, maxLength, minimum = minLength, maximum = maxLength }) {
  if (maximum === undefined) return '';
  const range = minimum === undefined ? `at most ${maximum}` : `${minimum} to ${maximum}`;
  return `, ${range}${maxLength === undefined ? '' : ' characters'}`;
}

function resolve(node, document) {
  if (!node.$ref) return node;
  return node.$ref
    .slice(2)
    .split('/')
    .reduce((value, key) => value[key], document);
}

export function table(rows) {
  const lines = rows.map((row) => `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`);
  const [header, ...body] = lines;
  return [header, `|${' --- |'.repeat(rows[0].length)}\n`, ...body].join('');
}
