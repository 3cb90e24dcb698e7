/** A file out of the page: shared where the device can, else saved. */

export function canShare(file: File): boolean {
  return navigator.canShare?.({ files: [file] }) ?? false;
}

/** What became of it: the sheet was closed, or sharing failed and the file was saved instead. */
export async function share(file: File): Promise<"shared" | "closed" | "saved"> {
  try {
    await navigator.share({ files: [file] });
    return "shared";
  } catch (error) {
    if ((error as Error).name === "AbortError") return "closed";
    save(file);
    return "saved";
  }
}

export function save(file: File): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // Safari reads it late
}

/** portrait-2026-01-31-120000.png */
export function named(kind: string, ending: string, when: Date): string {
  const digits = (value: number) => String(value).padStart(2, "0");
  const day = `${when.getFullYear()}-${digits(when.getMonth() + 1)}-${digits(when.getDate())}`;
  return `${kind}-${day}-${[when.getHours(), when.getMinutes(), when.getSeconds()].map(digits).join("")}.${ending}`;
}
