export default {
  extends: ['@commitlint/config-conventional'],
  rules: {
    'header-max-length': [2, 'always', 72],
    // A body is prose: it may have a long line for a link or a command.
    'body-max-line-length': [0],
    'footer-max-line-length': [0],
  },
};
