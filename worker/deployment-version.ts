import { execFileSync } from 'node:child_process';
import type { WorkerDeploymentOptions } from '@temporalio/worker';
import { SettingsError } from '../runtime/settings.ts';
import packageFile from '../package.json' with { type: 'json' };
import { projectRoot } from '../runtime/project-root.ts';
import type { WorkerSettings } from './settings.ts';

/**
 * The part of the worker's options that makes it a version of a Worker Deployment; undefined when
 * TEMPORAL_DEPLOYMENT_NAME is not set. A day ends on the version that it began on, whatever becomes the current one.
 * Throws `SettingsError` when the version has no name.
 */
export function deploymentOptions(settings: WorkerSettings): WorkerDeploymentOptions | undefined {
  const { TEMPORAL_DEPLOYMENT_NAME: deploymentName, TEMPORAL_WORKER_BUILD_ID } = settings;
  if (deploymentName === '') return undefined;
  const buildId = TEMPORAL_WORKER_BUILD_ID || versionAndCommit();
  return {
    version: { deploymentName, buildId },
    useWorkerVersioning: true,
    defaultVersioningBehavior: 'PINNED',
  };
}

/** E.g. `0.1.0-1a2b3c4d5e6f`. Git says nothing of another user's checkout, such as root's, unless it is named as safe. */
function versionAndCommit(): string {
  try {
    const question = ['-c', `safe.directory=${projectRoot}`, 'rev-parse', '--short=12', 'HEAD'];
    const commit = execFileSync('git', question, {
      cwd: projectRoot,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return `${packageFile.version}-${commit.trim()}`;
  } catch {
    throw new SettingsError([
      `TEMPORAL_WORKER_BUILD_ID must be set along with TEMPORAL_DEPLOYMENT_NAME, because git names no commit of ${projectRoot}: ` +
        `the version and the commit, e.g. ${packageFile.version}-1a2b3c4.`,
    ]);
  }
}
