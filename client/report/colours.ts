/**
 * The page's colours: on a light ground, and on a dark one. Text has at least 7:1. The categories are distinct in hue
 * and lightness, also in grey and for colour-blind readers; each has at least 3:1.
 */
const COLOURS = {
  ground: ['#ffffff', '#12161c'],
  ink: ['#1c2430', '#e6eaf0'],
  muted: ['#4a5565', '#b3bdca'],
  line: ['#c4ccd6', '#465262'],
  grid: ['#dde2e8', '#2c3542'],
  link: ['#0b4f9e', '#9fcbff'],
  new: ['#0b3c6f', '#dcebff'],
  returning: ['#2a93d5', '#4a9fe0'],
  refunded: ['#c2410c', '#ff8a4c'],
  bar: ['#1f6fb2', '#5aa9ea'],
  others: ['#7d8794', '#8b95a3'],
} as const satisfies Record<string, readonly [light: string, dark: string]>;

type Colour = keyof typeof COLOURS;
const NAMES = Object.keys(COLOURS) as Colour[];

/** For ECharts, which knows no CSS variables; `themed` replaces it. */
export function light(colour: Colour): string {
  return COLOURS[colour][0];
}

/** Lets the page choose the colours of an SVG. */
export function themed(svg: string): string {
  return svg.replace(/\b(fill|stroke)="(#[0-9a-f]{6})"/g, (whole, attribute: string, value: string) => {
    const name = NAMES.find((colour) => light(colour) === value);
    return name ? `${attribute}="var(--${name})"` : whole;
  });
}

/** Print is always light. */
export function colourStyles(): string {
  const variables = (theme: 0 | 1) => NAMES.map((name) => `--${name}: ${COLOURS[name][theme]};`).join(' ');
  return `:root { ${variables(0)} }
@media screen and (prefers-color-scheme: dark) { :root { ${variables(1)} } }`;
}
