import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { slug } from 'github-slugger';
import { type DefaultTheme, defineConfig } from 'vitepress';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DOCS = join(ROOT, 'docs');
const { repository } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  repository: { url: string };
};
const GITHUB = repository.url.replace(/^git\+/, '').replace(/\.git$/, '');

/** A link that leaves docs/ leads to the file on GitHub. */
function onSite(href: string, page: string): string {
  if (/^(?:[a-z]+:|#|\/)/.test(href)) return href;
  const [path = '', anchor] = href.split('#');
  const file = resolve(DOCS, dirname(page), path);
  const isPage = file.startsWith(`${DOCS}/`) && file.endsWith('.md');
  if (isPage || !existsSync(file)) return href;
  return `${GITHUB}/blob/main/${relative(ROOT, file)}${anchor ? `#${anchor}` : ''}`;
}

const item = (text: string, link: string): DefaultTheme.SidebarItem => ({ text, link });

/** A page for each code, in docs/errors. */
const errorPages = readdirSync(join(DOCS, 'errors'))
  .map((file) => file.replace(/\.md$/, ''))
  .sort()
  .map((name) => item(name.toUpperCase().replaceAll('-', '_'), `/errors/${name}`));

const sidebar: DefaultTheme.SidebarItem[] = [
  {
    text: 'Guide',
    items: [
      item('Getting started', '/getting-started'),
      item('How rotation works', '/rotation'),
      item('Lifetimes, cookies and origins', '/lifetimes-and-origins'),
      item('Proof of possession (DPoP)', '/security#sessions-bound-to-a-key'),
      item('Threat model', '/threat-model'),
      item('The proof', '/proof'),
      item('Security: claims and limits', '/security'),
      item('Guessing passwords, unlocking', '/security#guessing-passwords'),
      item('What is stored about a user', '/security#what-is-stored-about-a-user-and-how-to-delete-it'),
      item('Comparison', '/comparison'),
      item('FAQ', '/faq'),
    ],
  },
  {
    text: 'In your application',
    items: [
      item('Recipes', '/recipes'),
      item('Your own users', '/users'),
      item('Logins and claims', '/logins-and-claims'),
      item('Google', '/recipes/google'),
      item('Passkeys', '/recipes/passkeys'),
      item('Magic links', '/recipes/magic-link'),
      item('One-time codes (TOTP)', '/recipes/totp'),
      item('Verify tokens in another service', '/recipes/verify-only'),
      item('Session store', '/session-store'),
      item('Testing the server', '/testing'),
      item('The package', '/package'),
    ],
  },
  {
    text: 'Front ends',
    items: [
      item('The client', '/spa'),
      item('Angular', '/front-ends/angular'),
      item('Svelte', '/front-ends/svelte'),
      item('React Native', '/front-ends/react-native'),
      item('Electron, Capacitor, extensions', '/front-ends/other-origins'),
      item('GraphQL', '/front-ends/graphql'),
      item('Server-sent events', '/front-ends/sse'),
      item('Downloads', '/front-ends/downloads'),
      item('Testing a front end', '/front-ends/testing'),
    ],
  },
  {
    text: 'Migrating from',
    items: [
      item('passport-jwt tutorials', '/migrating/passport-jwt'),
      item('better-auth', '/migrating/better-auth'),
      item('SuperTokens', '/migrating/supertokens'),
      item('Auth0', '/migrating/auth0'),
    ],
  },
  {
    text: 'Operating',
    items: [
      item('The service', '/service'),
      item('Containers', '/containers'),
      item('Kubernetes', '/kubernetes'),
      item('Serverless', '/serverless'),
      item('Databases', '/databases'),
      item('Scaling, Redis Cluster', '/scaling'),
      item('Keys', '/keys'),
      item('Security report', '/security-report'),
      item('The doctor', '/doctor'),
      item('Metrics and alerts', '/metrics'),
      item('Traces', '/telemetry'),
    ],
  },
  {
    text: 'Reference',
    items: [
      item('Options', '/reference/options'),
      item('Environment variables', '/reference/variables'),
      item('Routes', '/reference/routes'),
      { ...item('Error codes', '/reference/errors'), collapsed: true, items: errorPages },
      item('Events', '/reference/events'),
      item('API', '/reference/api/'),
      item('Architecture', '/architecture'),
    ],
  },
];

const chineseGroups: Readonly<Record<string, string>> = {
  Guide: '更多指南（英文）',
  'In your application': '在你的应用中（英文）',
  'Front ends': '前端（英文）',
  'Migrating from': '从其他方案迁移（英文）',
  Operating: '运维（英文）',
  Reference: '参考（英文）',
};

const hasChineseEdition = ({ link = '' }: DefaultTheme.SidebarItem) =>
  existsSync(join(DOCS, 'zh-CN', `${link}.md`));

const chinese: DefaultTheme.SidebarItem[] = [
  {
    text: '指南',
    items: [
      item('快速上手', '/zh-CN/getting-started'),
      item('轮换的原理', '/zh-CN/rotation'),
      item('有效期、Cookie 和来源', '/zh-CN/lifetimes-and-origins'),
      item('威胁模型', '/zh-CN/threat-model'),
      item('服务', '/zh-CN/service'),
      item('常见问题', '/zh-CN/faq'),
    ],
  },
  ...sidebar.map(({ text = '', items = [] }) => ({
    text: chineseGroups[text] ?? text,
    items: items.filter((page) => !hasChineseEdition(page)),
  })),
];

export default defineConfig({
  srcDir: '../docs',
  title: 'Silent Auth',
  description:
    'Silent sign-in for NestJS: rotating refresh tokens that detect theft and keep honest users signed in.',
  cleanUrls: true,
  // Pages of `npm run api` link to types that are not exported.
  ignoreDeadLinks: [/^http:\/\/localhost/, /reference\/api\//],
  markdown: {
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    // The ids of GitHub, so that one link works in both places.
    anchor: { slugify: slug },
    config(md) {
      md.core.ruler.push('repository-links', ({ tokens, env }) => {
        for (const { children } of tokens)
          for (const token of children ?? []) {
            const href = token.type === 'link_open' ? token.attrGet('href') : null;
            if (href) token.attrSet('href', onSite(href, (env as { relativePath: string }).relativePath));
          }
      });
    },
  },
  themeConfig: {
    // Not every page has a Chinese edition, so the switch leads to the start page.
    i18nRouting: false,
    search: { provider: 'local' },
    socialLinks: [{ icon: 'github', link: GITHUB }],
    outline: [2, 3],
  },
  locales: {
    root: {
      label: 'English',
      lang: 'en',
      themeConfig: {
        nav: [
          item('Guide', '/getting-started'),
          item('Recipes', '/recipes'),
          item('Front ends', '/spa'),
          item('Reference', '/reference/options'),
          item('Error codes', '/reference/errors'),
          item('FAQ', '/faq'),
        ] as DefaultTheme.NavItem[],
        sidebar,
      },
    },
    'zh-CN': {
      label: '简体中文',
      lang: 'zh-CN',
      themeConfig: {
        nav: [
          item('指南', '/zh-CN/getting-started'),
          item('常见任务（英文）', '/recipes'),
          item('选项（英文）', '/reference/options'),
          item('错误码（英文）', '/reference/errors'),
          item('常见问题', '/zh-CN/faq'),
        ] as DefaultTheme.NavItem[],
        sidebar: chinese,
        outline: { label: '本页目录', level: [2, 3] },
        docFooter: { prev: '上一页', next: '下一页' },
        darkModeSwitchLabel: '外观',
        sidebarMenuLabel: '目录',
        returnToTopLabel: '回到顶部',
      },
    },
  },
});
