const gzip =
  'metadata junit metrics dotenv cobertura jacoco cyclonedx annotations repository_xray cluster_applications metrics_referee network_referee';
const raw =
  'sast secret_detection dependency_scanning container_scanning cluster_image_scanning dast license_scanning accessibility codequality ' +
  'performance browser_performance load_performance terraform requirements requirements_v2 coverage_fuzzing api_fuzzing sarif';

/** Which format the file of each type has to be uploaded in. */
export const artifactFormats: Readonly<Record<string, 'zip' | 'gzip' | 'raw'>> = {
  archive: 'zip',
  lsif: 'zip',
  scip: 'zip',
  trace: 'raw',
  ...Object.fromEntries(gzip.split(' ').map((type) => [type, 'gzip'] as const)),
  ...Object.fromEntries(raw.split(' ').map((type) => [type, 'raw'] as const)),
};

/** The names that reports' files have by default. */
export const defaultFileNames: Readonly<Record<string, string>> = {
  junit: 'junit.xml',
  dotenv: '.env',
  cobertura: 'cobertura-coverage.xml',
  jacoco: 'jacoco-coverage.xml',
  metrics: 'metrics.txt',
  cyclonedx: 'gl-sbom.cdx.json',
  annotations: 'gl-annotations.json',
  repository_xray: 'gl-repository-xray.json',
  lsif: 'lsif.json',
  scip: 'index.scip',
  sast: 'gl-sast-report.json',
  secret_detection: 'gl-secret-detection-report.json',
  dependency_scanning: 'gl-dependency-scanning-report.json',
  container_scanning: 'gl-container-scanning-report.json',
  cluster_image_scanning: 'gl-cluster-image-scanning-report.json',
  dast: 'gl-dast-report.json',
  license_scanning: 'gl-license-scanning-report.json',
  accessibility: 'gl-accessibility.json',
  codequality: 'gl-code-quality-report.json',
  performance: 'performance.json',
  browser_performance: 'browser-performance.json',
  load_performance: 'load-performance.json',
  terraform: 'tfplan.json',
  requirements: 'requirements.json',
  requirements_v2: 'requirements_v2.json',
  coverage_fuzzing: 'gl-coverage-fuzzing.json',
  api_fuzzing: 'gl-api-fuzzing-report.json',
  sarif: 'gl-sarif-report.json',
};
