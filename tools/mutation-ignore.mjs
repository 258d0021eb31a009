// Texts that are not part of the API are not mutated: log messages, and the private detail of an error.
const isLogCall = ({ type, callee }) =>
  type === 'CallExpression' &&
  callee.type === 'MemberExpression' &&
  callee.object.property?.name === 'logger';
const isLogger = ({ type, callee }) => type === 'NewExpression' && callee.name === 'Logger';
const isPlainError = ({ type, callee }) => type === 'NewExpression' && callee.name === 'Error';
const isDetail = ({ type, key }) => type === 'ObjectProperty' && key.name === 'detail';
// Documentation of an error code: docs/reference/errors.md is checked against it.
const isMeaning = ({ type, key }) => type === 'ObjectProperty' && key.name === 'meaning';

export const strykerPlugins = [
  {
    kind: 'Ignore',
    name: 'texts',
    value: {
      shouldIgnore: ({ node }) =>
        [isLogCall, isLogger, isPlainError, isDetail, isMeaning].some((matches) => matches(node))
          ? 'a text that is not part of the API'
          : undefined,
    },
  },
];
