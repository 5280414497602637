import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { parseDuration } from '../../domain/durations.ts';
import { projectRoot } from '../../runtime/project-root.ts';
import { SETTINGS, type Setting } from '../../runtime/settings.ts';
import { findProgram } from '../support/programs.ts';

const read = (name: string) => readFileSync(path.join(projectRoot, name), 'utf8');
const { version } = JSON.parse(read('package.json')) as { version: string };

interface Service {
  image: string;
  environment?: Record<string, string>;
  volumes?: string[];
  command?: string[];
  cap_drop?: string[];
  security_opt?: string[];
  read_only?: boolean;
  ports?: string[];
  stop_grace_period?: string;
}

const compose = parse(read('compose.yaml'), { merge: true }) as { services: Record<string, Service> };
const environmentOf = (service: string) => compose.services[service]?.environment ?? {};

const dockerfile = read('Dockerfile')
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll(/\\\n\s*/g, '');
const lastStage = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '));
/** What lines that begin so set, as NAME=value NAME=value. */
function variablesOf(text: string, begin: RegExp): Record<string, string> {
  const lines = text.split('\n').filter((line) => begin.test(line));
  const pairs = lines.flatMap((line) => [...line.replace(begin, '').matchAll(/(\w+)=(\S+)/g)]);
  return Object.fromEntries(pairs.map(([, name = '', value = '']) => [name, value]));
}
const imageEnvironment = variablesOf(lastStage, /^ENV /);

/** Temporal's own environment configuration, libpq's variables, Node's and the allocator's. */
const OTHERS =
  /^(?:TEMPORAL_(?:ADDRESS|NAMESPACE|API_KEY|TLS_\w+_PATH)|PGSSL(?:MODE|ROOTCERT)|NODE_ENV|MALLOC_ARENA_MAX)$/;
const unknown = (names: string[]) => names.filter((name) => !(name in SETTINGS) && !OTHERS.test(name));
const REQUIRED = [
  ...Object.entries(SETTINGS).flatMap(([name, setting]) => ('required' in setting ? [name] : [])),
  'DATABASE_URL',
  'TEMPORAL_ADDRESS',
];
const isSecret = (name: string) =>
  /PASSWORD|_PWD$|KEY$|KEYS$|WEBHOOK/.test(name) ||
  ((SETTINGS as Record<string, Setting<unknown>>)[name]?.secret ?? false);
const milliseconds = (text = '') => parseDuration(text) ?? NaN;
const portOf = (address = '') => Number(address.split(':').at(-1));

const copied = [...lastStage.matchAll(/^COPY (?!--from)(.*) \S+$/gm)].flatMap(([, sources = '']) =>
  sources.split(' '),
);

test('Dockerfile: its variables are settings, its user is no root, and it copies what is there', () => {
  assert.ok(Object.keys(imageEnvironment).length > 3);
  assert.deepEqual(unknown(Object.keys(imageEnvironment)), []);
  assert.match(lastStage, /^USER [1-9]\d+:[1-9]\d+$/m);
  const allowed = read('.dockerignore').split('\n');
  for (const source of copied)
    assert.ok(allowed.includes(`!${source}`) && existsSync(path.join(projectRoot, source)), source);
});

test('Dockerfile: the image holds every module and package that worker and client import', () => {
  const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };
  const modules = new Set(['worker.ts', 'bin/sales-increment.js', 'client/main.ts']);
  for (const module of modules) {
    assert.ok(copied.includes(module.split('/')[0] ?? ''), `${module} is not in the image`);
    const imports = /^(?:(?:import|export) (?!type )(?:[^;']* from )?|.*\bimport\()'([^']+)'/gm;
    for (const [, name = ''] of read(module).matchAll(imports)) {
      const [packageName = ''] = /^(?:@[^/]+\/)?[^/]+/.exec(name) ?? [];
      if (name.startsWith('.')) modules.add(path.join(path.dirname(module), name));
      else if (!name.startsWith('node:')) assert.ok(packageName in dependencies, name);
    }
  }
  assert.ok(modules.size > 80, `${modules.size} modules`);
});

describe('compose.yaml', () => {
  const ours = Object.entries(compose.services).filter(([, { image }]) => image === 'sales-increment');

  test('our services have known settings, the worker all that it requires, and time to stop', () => {
    assert.ok(ours.length >= 4);
    for (const [name, { environment = {} }] of ours)
      assert.deepEqual(unknown(Object.keys(environment)), [], name);
    const worker = environmentOf('worker');
    for (const name of REQUIRED) assert.ok(worker[name], name);
    assert.ok(
      milliseconds(compose.services.worker?.stop_grace_period) > milliseconds(worker.WORKER_SHUTDOWN_GRACE),
    );
  });

  test('each service enters the database with a role of its own, and only PostgreSQL knows the superuser', () => {
    const roleOf = (service: string) => /\/\/(\w+):/.exec(environmentOf(service).DATABASE_URL ?? '')?.[1];
    assert.equal(roleOf('migrate'), 'sales_owner');
    for (const service of ['worker', 'setup', 'client'])
      assert.equal(roleOf(service), 'sales_worker', service);
    assert.equal(environmentOf('temporal').POSTGRES_USER, 'temporal');
    assert.equal(environmentOf('temporal-schema').SQL_USER, 'temporal');
    for (const [name, service] of Object.entries(compose.services)) {
      if (name !== 'postgres') assert.doesNotMatch(JSON.stringify(service), /\bPOSTGRES_PASSWORD\}?\b/, name);
    }
    const made = read('deploy/postgres/create-databases.sh');
    for (const name of Object.keys(environmentOf('postgres')).filter((name) => name !== 'POSTGRES_PASSWORD'))
      assert.ok(made.includes(` ${name}\n`), name);
  });

  test('no secret is written down: each comes from the environment', () => {
    for (const [service, { environment = {} }] of Object.entries(compose.services)) {
      for (const [name, value] of Object.entries(environment).filter(([name]) => isSecret(name)))
        assert.match(
          value,
          /^(?:postgresql:\/\/\w+:\$\{\w+:\?\}@\S+|\$\{\w+:[-?]\})$/,
          `${service}: ${name}`,
        );
    }
  });

  test('mounted files exist, and ports are published to this machine alone', () => {
    for (const [service, { volumes = [], ports = [] }] of Object.entries(compose.services)) {
      for (const volume of volumes) {
        const [source = ''] = volume.split(':');
        if (source.startsWith('.')) assert.ok(existsSync(path.join(projectRoot, source)), volume);
      }
      for (const port of ports) assert.match(port, /^127\.0\.0\.1:\d+:\d+$/, service);
    }
    assert.ok(compose.services.worker?.volumes?.includes(`landing:${imageEnvironment.LANDING_DIR ?? ''}`));
    const prometheus = read('deploy/prometheus/prometheus.yml');
    assert.ok(prometheus.includes(`worker:${portOf(imageEnvironment.METRICS_ADDRESS)}`));
  });

  test('images have a version, containers no privileges; ours and the tools a root that is read-only', () => {
    for (const [name, service] of Object.entries(compose.services)) {
      if (!service.image.startsWith('sales-increment')) assert.match(service.image, /:v?\d+[\w.-]+$/, name);
      // It starts as root, to hand its volume to its user.
      if (name === 'postgres' || name === 'temporal-ui') continue;
      assert.deepEqual(service.cap_drop, ['ALL'], name);
      assert.deepEqual(service.security_opt, ['no-new-privileges:true'], name);
      if (/sales-increment|admin-tools/.test(service.image)) assert.equal(service.read_only, true, name);
    }
    assert.doesNotMatch(read('compose.yaml'), /auto-setup/);
    const [server, tools] = ['temporal', 'temporal-schema'].map(
      (name) => /:([\d.]+)/.exec(compose.services[name]?.image ?? '')?.[1],
    );
    assert.equal(server, tools, 'the schema is of the release of the server');
  });
});

test('systemd: the unit runs what `npm run worker` runs, and the documented commands fit it and its settings', () => {
  const unit = read('deploy/systemd/sales-increment-worker.service');
  const valueOf = (key: string) => new RegExp(`^${key}=(.+)$`, 'm').exec(unit)?.[1] ?? assert.fail(key);
  const { scripts } = JSON.parse(read('package.json')) as { scripts: { worker: string } };
  const command = valueOf('ExecStart').replace('/usr/bin/env ', '');
  assert.equal(scripts.worker, `exec env MALLOC_ARENA_MAX=2 ${command}`);
  const own = Object.keys(variablesOf(unit, /^Environment=/));
  assert.ok(own.includes('MALLOC_ARENA_MAX') && own.includes('LANDING_DIR'));
  assert.deepEqual(unknown(own), []);
  const guide = /## On one machine: systemd\n[^]*?\n## /.exec(read('docs/deployment.md'))?.[0] ?? '';
  for (const name of REQUIRED) assert.match(guide, new RegExp(`^${name}=.`, 'm'));

  const client = read('deploy/systemd/sales');
  const [user, checkout] = [valueOf('User'), valueOf('WorkingDirectory')];
  const settings = valueOf('EnvironmentFile');
  assert.match(client, new RegExp(`--reuid=${user} --regid=${user} `));
  assert.match(client, new RegExp(`^cd ${checkout}$`, 'm'));
  assert.match(client, new RegExp(`^settings=${path.dirname(settings)}/`, 'm'));
  for (const place of [user, checkout, path.basename(settings)]) assert.ok(guide.includes(place), place);
});

type Labels = Record<string, string>;
interface Pod {
  metadata: { labels: Labels };
  spec: {
    containers: [
      {
        image: string;
        env: { name: string; valueFrom?: { secretKeyRef: { name: string } } }[];
        ports?: object[];
        securityContext: object;
        volumeMounts: { mountPath: string }[];
      },
    ];
    serviceAccountName: string;
    automountServiceAccountToken: boolean;
    securityContext: Record<string, unknown>;
    terminationGracePeriodSeconds?: number;
  };
}
interface Resource {
  kind: string;
  metadata: { name: string; labels: Labels };
  data?: Record<string, string>;
  spec?: { template?: Pod; selector?: { matchLabels: Labels }; podSelector?: { matchLabels: Labels } };
}

const skip = findProgram('kubectl') === undefined && 'no kubectl';
for (const example of ['example', 'example-versions'])
  describe(`deploy/kubernetes/${example}, as kustomize builds it`, { skip }, () => {
    const folder = path.join(projectRoot, 'deploy/kubernetes', example);
    const built = skip ? '' : execFileSync('kubectl', ['kustomize', folder], { encoding: 'utf8' });
    const resources = parseAllDocuments(built).map((document) => document.toJS() as Resource);
    const pick = (kind: string) =>
      resources.find((resource) => resource.kind === kind) ?? assert.fail(`no ${kind}`);
    const podOf = (kind: string) => pick(kind).spec?.template ?? assert.fail(`no pod of ${kind}`);
    const settings = () => pick('ConfigMap').data ?? {};
    const variables = ({ spec: { containers } }: Pod) => [
      ...Object.keys(settings()),
      ...containers[0].env.map(({ name }) => name),
    ];

    test('selectors find the pods, and never change but where each version is a Deployment', () => {
      const { labels } = podOf('Deployment').metadata;
      for (const { metadata } of resources)
        assert.equal(metadata.labels['app.kubernetes.io/version'], version, metadata.name);
      const selectors = [
        pick('Deployment').spec?.selector?.matchLabels,
        pick('PodDisruptionBudget').spec?.selector?.matchLabels,
        pick('NetworkPolicy').spec?.podSelector?.matchLabels,
      ];
      for (const [index, selected = {}] of selectors.entries()) {
        assert.ok(selected['app.kubernetes.io/instance']);
        for (const [name, value] of Object.entries(selected)) assert.equal(labels[name], value, name);
        assert.equal('app.kubernetes.io/version' in selected, index === 0 && example === 'example-versions');
      }
      const isVersioned = settings().TEMPORAL_DEPLOYMENT_NAME === 'sales-increment';
      assert.equal(isVersioned, example === 'example-versions');
      const suffix = isVersioned ? `-${version.replaceAll('.', '-')}` : '';
      assert.equal(pick('Deployment').metadata.name, `sales-increment-worker${suffix}`);
      assert.doesNotMatch(JSON.stringify(pick('Service').spec), /kubernetes.io\/version/);
    });

    test('pods have the published image, every setting that they require, no unknown one, and time to stop', () => {
      assert.ok(read('.github/workflows/release.yml').includes('ghcr.io/${{ github.repository }}'));
      for (const kind of ['Deployment', 'Job']) {
        const { image } = podOf(kind).spec.containers[0];
        assert.match(image, new RegExp(`^ghcr\\.io/[\\w-]+/sales-increment:${version}$`));
        assert.deepEqual(unknown(variables(podOf(kind))), [], kind);
      }
      const worker = podOf('Deployment');
      for (const name of REQUIRED) assert.ok(variables(worker).includes(name), name);
      assert.ok(variables(podOf('Job')).includes('DATABASE_URL'));
      const seconds = worker.spec.terminationGracePeriodSeconds ?? 0;
      assert.ok(seconds * 1000 > milliseconds(settings().WORKER_SHUTDOWN_GRACE));
    });

    test('certificates are in folders that the worker mounts, and the database is verified by them', () => {
      const mounted = podOf('Deployment').spec.containers[0].volumeMounts.map(({ mountPath }) => mountPath);
      const files = Object.values(settings()).filter((value) => value.startsWith('/etc/'));
      assert.equal(files.length, 4);
      for (const file of files) assert.ok(mounted.includes(path.dirname(file)), file);
      assert.equal(settings().PGSSLMODE, 'verify-full');
    });

    test('secrets come from Secrets; the password of the owner of the schema does not reach the workers', () => {
      const secrets = { Deployment: 'sales-increment-worker', Job: 'sales-increment-owner' };
      for (const [kind, secret] of Object.entries(secrets))
        for (const { name, valueFrom } of podOf(kind).spec.containers[0].env)
          assert.equal(valueFrom?.secretKeyRef.name, secret, name);
      assert.deepEqual(Object.keys(settings()).filter(isSecret), []);
    });

    test('containers run as the user of the image, with a read-only root and nothing that they do not need', () => {
      const [, uid = ''] = /^USER (\d+):/m.exec(lastStage) ?? [];
      for (const { spec } of [podOf('Deployment'), podOf('Job')]) {
        assert.equal(spec.serviceAccountName, pick('ServiceAccount').metadata.name);
        assert.equal(spec.automountServiceAccountToken, false);
        const { runAsNonRoot, runAsUser, seccompProfile } = spec.securityContext;
        const expected = [true, Number(uid), { type: 'RuntimeDefault' }];
        assert.deepEqual([runAsNonRoot, runAsUser, seccompProfile], expected);
        assert.deepEqual(spec.containers[0].securityContext, {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
      }
      const { ports, volumeMounts } = podOf('Deployment').spec.containers[0];
      assert.deepEqual(ports, [
        { name: 'health', containerPort: portOf(imageEnvironment.HEALTH_ADDRESS) },
        { name: 'metrics', containerPort: portOf(imageEnvironment.METRICS_ADDRESS) },
      ]);
      assert.ok(volumeMounts.some(({ mountPath }) => mountPath === imageEnvironment.LANDING_DIR));
    });
  });
