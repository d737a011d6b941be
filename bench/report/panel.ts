/** One bar; `parts` make it a stack and add up to its height. */
export type Bar = { series: string; value: number; parts?: Record<string, number> };

/** Bars beside each other, in groups with a label. Panels know nothing of what they show, phases nothing of how it is drawn. */
export type Panel = { title: string; unit: string; groups: { label: string; bars: Bar[] }[] };
