export function decode(data: Buffer): { width: number; height: number; channels: number; pixels: Uint8Array };
