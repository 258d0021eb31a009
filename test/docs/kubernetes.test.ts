import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import type { Deployment } from 'kubernetes-types/apps/v1.js';
import type { ConfigMap, Secret, Service } from 'kubernetes-types/core/v1.js';
import type { NetworkPolicy } from 'kubernetes-types/networking/v1.js';
import type { PodDisruptionBudget } from 'kubernetes-types/policy/v1.js';
import { parse } from 'yaml';
import { readConfig } from '../../apps/service/src/config/config.js';
import { VARIABLES } from '../../apps/service/src/config/environment.js';
import { compileErrors, snippetsOf } from '../support/compile.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDER = 'deploy/kubernetes';
const read = (path: string) => readFile(join(ROOT, path), 'utf8');
const manifest = async <T>(name: string): Promise<T> => parse(await read(join(FOLDER, name)));

const deployment = await manifest<Deployment>('deployment.yaml');
const configMap = await manifest<ConfigMap>('config-map.yaml');
const service = await manifest<Service>('service.yaml');
const secret = await manifest<Secret>('secret.example.yaml');
const policy = await manifest<NetworkPolicy>('network-policy.yaml');
const budget = await manifest<PodDisruptionBudget>('disruption-budget.yaml');
const kustomization = await manifest<{ resources: string[]; images: { name: string }[] }>(
  'kustomization.yaml',
);
const page = await read('docs/kubernetes.md');

const pod = deployment.spec?.template.spec;
const container = pod?.containers[0];
const FILES = /^\/run\/secrets\/silent-auth\/(.+)$/;
const secretsRead = container?.env?.map(({ value = '' }) => FILES.exec(value)?.[1] ?? value);

/** The file with the types of each kind. */
const TYPES: Record<string, string> = {
  ConfigMap: 'core/v1',
  Deployment: 'apps/v1',
  NetworkPolicy: 'networking/v1',
  PodDisruptionBudget: 'policy/v1',
  Secret: 'core/v1',
  Service: 'core/v1',
};

const typed = (kind: string, literal: unknown) =>
  `import type { ${kind} } from 'kubernetes-types/${TYPES[kind]}.js';\n` +
  `export const manifest: ${kind} = ${JSON.stringify(literal)};\n`;

describe('deploy/kubernetes', () => {
  it('applies every manifest except the example of a Secret', () => {
    const files = readdirSync(join(ROOT, FOLDER)).filter((name) => name !== 'kustomization.yaml');
    expect([...kustomization.resources, 'secret.example.yaml'].sort()).toEqual(files.sort());
    expect(kustomization.images.map(({ name }) => name)).toEqual([container?.image]);
  });

  it('has only fields that Kubernetes knows, with the right types', async () => {
    const manifests = [deployment, configMap, service, secret, policy, budget];
    const files = manifests.map((each) => [`${each.kind}.ts`, typed(String(each.kind), each)]);
    expect(await compileErrors(Object.fromEntries(files))).toBe('');
    // Proves that the check can fail.
    const wrong = { ...deployment, spec: { ...deployment.spec, minReadySecond: 30 } };
    expect(await compileErrors({ 'wrong.ts': typed('Deployment', wrong) })).toContain('minReadySecond');
  }, 120_000);

  it('has a page whose probes for other applications compile', async () => {
    const snippets = snippetsOf(page, 'kubernetes');
    expect(Object.keys(snippets)).toEqual(['health.module.ts']);
    expect(await compileErrors(snippets)).toBe('');
  }, 120_000);

  it('sets only variables that the service knows, here and on its page', () => {
    const known = VARIABLES.flatMap(({ name, isSecret }) => (isSecret ? [name, `${name}_FILE`] : [name]));
    const named = [
      ...Object.keys(configMap.data ?? {}),
      ...(container?.env ?? []).map(({ name }) => name),
      ...[...page.matchAll(/`([A-Z]+_[A-Z_]+)(?:=[^`]*)?`|name: ([A-Z_]+)$/gm)].map(
        ([, code, env]) => code ?? env,
      ),
    ];
    expect(named).toEqual(
      expect.arrayContaining(['ISSUER', 'MONGODB_URI_FILE', 'REDIS_URL_FILE', 'TRUST_PROXY']),
    );
    expect(named.filter((name) => !known.includes(String(name)))).toEqual([]);
  });

  it('has a Secret without values, with the names that the Deployment reads', () => {
    expect(Object.keys(secret.stringData ?? {})).toEqual(secretsRead);
    expect(Object.values(secret.stringData ?? {}).filter((value) => value !== '')).toEqual([]);
    expect(pod?.volumes?.[0]?.secret?.secretName).toBe(secret.metadata?.name);
    expect(container?.volumeMounts?.[0]?.mountPath).toBe('/run/secrets/silent-auth');
    for (const name of secretsRead ?? []) expect(page).toContain(`--from-file=${name}`);
  });

  it('gives the service a configuration that production accepts', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'silent-auth-kubernetes-'));
    try {
      for (const name of secretsRead ?? []) {
        const isUri = name === 'mongodb-uri';
        const text = isUri ? 'mongodb://db.example.com/auth?replicaSet=rs0' : randomBytes(48).toString('hex');
        await writeFile(join(folder, name), `${text}\n`);
      }
      const files = container?.env?.map(({ name, value = '' }) => [
        name,
        value.replace(FILES, `${folder}/$1`),
      ]);
      const variables = { ...configMap.data, ...Object.fromEntries(files ?? []) };
      const config = readConfig({ NODE_ENV: 'production', ...variables });
      expect(config).toMatchObject({ warnings: [], port: 3000, trustProxy: 1, host: '0.0.0.0' });
      expect(container?.ports).toEqual([{ name: 'http', containerPort: config.port }]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('gives an instance more time to stop than it takes', async () => {
    const [, limit] = /SHUTDOWN_LIMIT_MS = (\d+)/.exec(await read('apps/service/src/main.ts')) ?? [];
    const [command, seconds] = container?.lifecycle?.preStop?.exec?.command ?? [];
    expect([command, Number(seconds)]).toEqual(['sleep', 5]);
    const needed = Number(seconds) + Number(limit) / 1000;
    expect(needed).toBe(14);
    expect(pod?.terminationGracePeriodSeconds).toBeGreaterThan(needed);
  });

  it('points everything at the instances, and probes the right paths', async () => {
    const labels = deployment.spec?.template.metadata?.labels;
    expect(labels).toEqual({ 'app.kubernetes.io/name': 'silent-auth' });
    expect(deployment.spec?.selector.matchLabels).toEqual(labels);
    expect(service.spec?.selector).toEqual(labels);
    expect(budget.spec?.selector?.matchLabels).toEqual(labels);
    expect(policy.spec?.podSelector.matchLabels).toEqual(labels);
    expect(service.spec?.ports?.[0]?.targetPort).toBe('http');
    const controller = await read('apps/service/src/app/health.controller.ts');
    const routes = [...controller.matchAll(/@Get\('(\w+)'\)/g)].map(([, name]) => `/health/${name}`);
    expect(routes).toEqual(['/health/live', '/health/ready']);
    expect(container?.livenessProbe?.httpGet?.path).toBe('/health/live');
    expect(container?.startupProbe?.httpGet?.path).toBe('/health/live');
    expect(container?.readinessProbe?.httpGet?.path).toBe('/health/ready');
  });

  it('runs as an unprivileged user, and cannot write its own files', () => {
    expect(pod?.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 });
    expect(container?.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
  });
});
