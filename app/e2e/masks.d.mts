type Mask = ArrayLike<number>;
export function iou(one: Mask, other: Mask): number;
export function shift(one: Mask, other: Mask, width: number, height: number): [number, number];
export function difference(one: Mask, other: Mask): number;
